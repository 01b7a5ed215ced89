//! From an event to the queue.

use std::sync::Arc;
use std::time::Instant;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::event::Content;
use super::line::Style;
use super::queue::Queue;
use super::rates::Rates;

/// What those who log and the thread that writes have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) style: Style,
    pub(super) queue: Queue,
    pub(super) rates: Rates,
}

/// Makes lines of events.
pub(super) struct LogLayer(pub(super) Arc<Shared>);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Shared { style, queue, rates } = &*self.0;
        let mut content = Content::default();
        event.record(&mut content);
        let metadata = event.metadata();
        if rates.admits(Instant::now(), metadata, &content) {
            queue.push(style.line(*metadata.level(), metadata.target(), &content));
        }
    }
}

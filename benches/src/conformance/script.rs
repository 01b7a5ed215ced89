//! Dialogues as they are written down: `benches/dialogues/README.md` says how.

use std::iter::Peekable;
use std::str::Chars;

use super::config::Config;
use super::value::Expr;

/// One dialogue.
#[derive(Clone, Debug)]
pub struct Dialogue {
    /// The rules of protocol.md that it is about.
    pub rules: Vec<String>,
    /// What it shows.
    pub title: String,
    /// What the other end must be configured with.
    pub config: Config,
    pub(super) steps: Vec<Step>,
}

impl Dialogue {
    /// Whether a connection breaks in it.
    pub fn cuts(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Cut { .. }))
    }
}

/// One line of a dialogue.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) line: usize,
    /// How often it is done.
    pub(super) times: Option<Expr>,
    pub(super) act: Act,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The tester sends a message.
    Send { conn: char, name: String, fields: Vec<(String, Expr)> },
    /// The tester sends bytes.
    SendBytes { conn: char, parts: Vec<Expr> },
    /// The other end sends a message with these fields, and any others.
    Expect { conn: char, name: String, fields: Vec<(String, Expr)> },
    /// A client registers and acknowledges its welcome.
    Registers { conn: char, name: Expr },
    /// A hub welcomes whoever registers.
    Welcomes { conn: char },
    /// The tester breaks the connection.
    Cut { conn: char },
    /// The other end closes the connection, and sends nothing before that.
    Closed { conn: char },
    /// Nothing has come but acknowledgements and pings.
    Nothing { conn: char },
    /// The other end has not closed the connection.
    Open { conn: char },
    /// Nothing but acknowledgements and pings comes in this many milliseconds.
    Quiet { conn: char, time: Expr },
    /// The tester answers pings no more.
    Silent { conn: char },
    /// The tester does not look at messages of this name.
    Ignores { conn: char, name: String },
    /// The client makes no connection in this many milliseconds.
    Away(Expr),
    /// This many milliseconds pass.
    Wait(Expr),
    /// The client's user enters a line.
    Enters(String),
}

/// Reads the dialogues of a file. The error names the line.
pub fn parse(text: &str) -> Result<Vec<Dialogue>, String> {
    let mut dialogues: Vec<Dialogue> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix("== ") {
            let (rules, title) = head.split_once(": ").ok_or(format!("line {}: it has no title", index + 1))?;
            let rules = rules.split_whitespace().map(Into::into).collect();
            dialogues.push(Dialogue { rules, title: title.into(), config: Config::default(), steps: Vec::new() });
            continue;
        }
        let dialogue = dialogues.last_mut().ok_or(format!("line {}: it is in no dialogue", index + 1))?;
        if let Some(config) = line.strip_prefix("config ") {
            if !dialogue.config.is_default() || !dialogue.steps.is_empty() {
                return Err(format!("line {}: a dialogue has one configuration, before its steps", index + 1));
            }
            dialogue.config = parse_config(config).map_err(|error| format!("line {}: {error}", index + 1))?;
            continue;
        }
        let (times, act) = step(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        dialogue.steps.push(Step { line: index + 1, times, act });
    }
    Ok(dialogues)
}

/// Reads a configuration as dialogues write it: `sessions_max=1 reserved_name="ops"`.
///
/// # Errors
///
/// What of it is no setting, or no value of one.
pub fn parse_config(written: &str) -> Result<Config, String> {
    Config::new(Reader { rest: written.chars().peekable() }.fields(None)?)
}

fn step(line: &str) -> Result<(Option<Expr>, Act), String> {
    if let Some(entered) = line.strip_prefix("enters ") {
        return Ok((None, Act::Enters(entered.into())));
    }
    let mut input = Reader { rest: line.chars().peekable() };
    let mut word = input.word();
    let mut times = None;
    if word == "for" {
        times = Some(input.expr()?);
        input.expect(':')?;
        word = input.word();
    }
    match &*word {
        "wait" => return Ok((times, Act::Wait(input.expr()?))),
        "away" => return Ok((times, Act::Away(input.expr()?))),
        _ => {}
    }
    let conn = match word.as_bytes() {
        [conn @ b'A'..=b'Z'] => char::from(*conn),
        _ => return Err(format!("{word:?} is no connection")),
    };
    let act = match input.sign() {
        Some('>') => match input.word() {
            word if word == "bytes" => Act::SendBytes { conn, parts: input.exprs()? },
            name => Act::Send { conn, name, fields: input.fields(None)? },
        },
        Some('<') => Act::Expect { conn, name: input.word(), fields: input.fields(None)? },
        _ => match &*input.word() {
            "registers" => Act::Registers { conn, name: input.expr()? },
            "welcomes" => Act::Welcomes { conn },
            "cut" => Act::Cut { conn },
            "closed" => Act::Closed { conn },
            "nothing" => Act::Nothing { conn },
            "open" => Act::Open { conn },
            "quiet" => Act::Quiet { conn, time: input.expr()? },
            "silent" => Act::Silent { conn },
            "ignores" => Act::Ignores { conn, name: input.word() },
            other => return Err(format!("{other:?} is nothing that a connection does")),
        },
    };
    match input.next() {
        None => Ok((times, act)),
        Some(other) => Err(format!("{other:?} is one too many")),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// The next character that is no space.
    fn next(&mut self) -> Option<char> {
        self.skip();
        self.rest.next()
    }

    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest.peek().copied()
    }

    fn skip(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        match self.next() {
            Some(other) if other == sign => Ok(()),
            other => Err(format!("{other:?} stands where {sign:?} belongs")),
        }
    }

    /// A sign that says who sends.
    fn sign(&mut self) -> Option<char> {
        self.rest.next_if(|c| matches!(c, '>' | '<'))
    }

    /// Letters, digits and `_`; empty if something else comes.
    fn word(&mut self) -> String {
        self.skip();
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            word.push(c);
        }
        word
    }

    fn exprs(&mut self) -> Result<Vec<Expr>, String> {
        let mut exprs = Vec::new();
        while self.peek().is_some() {
            exprs.push(self.expr()?);
        }
        Ok(exprs)
    }

    /// Fields with their values, up to this sign or the end of the line.
    fn fields(&mut self, end: Option<char>) -> Result<Vec<(String, Expr)>, String> {
        let mut fields = Vec::new();
        while self.peek() != end {
            let name = self.word();
            self.expect('=')?;
            fields.push((name, self.expr()?));
        }
        Ok(fields)
    }

    fn expr(&mut self) -> Result<Expr, String> {
        match self.peek() {
            Some('"') => Ok(Expr::Bytes(self.quoted()?.into_bytes(), self.times()?)),
            Some('$') => {
                self.next();
                let mut name = self.word();
                if self.rest.next_if_eq(&'.').is_some() {
                    name = format!("{name}.{}", self.word());
                }
                Ok(Expr::Var(name, self.addend()?))
            }
            Some('>') => {
                self.next();
                Ok(Expr::Above(Box::new(self.expr()?)))
            }
            Some('[') => self.list(),
            Some('{') => {
                self.next();
                let fields = self.fields(Some('}'))?;
                self.expect('}')?;
                Ok(Expr::Struct(fields))
            }
            Some(c) if c.is_ascii_digit() => {
                let digits = self.word();
                digits.parse().map(Expr::Uint).map_err(|error| format!("{digits}: {error}"))
            }
            _ => match &*self.word() {
                "" => Err("a value is missing".into()),
                "_" => Ok(Expr::Any),
                "x" => {
                    let digits: String = self.quoted()?.split_whitespace().collect();
                    let bytes = digits.as_bytes().chunks(2).map(|pair| {
                        let pair = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
                        u8::from_str_radix(pair, 16).map_err(|error| format!("{pair}: {error}"))
                    });
                    Ok(Expr::Bytes(bytes.collect::<Result<_, _>>()?, self.times()?))
                }
                word => Ok(Expr::Word(word.into())),
            },
        }
    }

    fn list(&mut self) -> Result<Expr, String> {
        self.expect('[')?;
        let (mut elements, mut is_open) = (Vec::new(), false);
        loop {
            match self.peek() {
                Some(']') => break,
                Some('.') => {
                    (0..3).try_for_each(|_| self.expect('.'))?;
                    is_open = true;
                }
                _ => elements.push(self.expr()?),
            }
        }
        self.expect(']')?;
        Ok(Expr::List { elements, is_open, times: self.times()? })
    }

    /// `*3` or `*$count`, which follows at once.
    fn times(&mut self) -> Result<Option<Box<Expr>>, String> {
        if self.rest.next_if_eq(&'*').is_none() {
            return Ok(None);
        }
        self.expr().map(Box::new).map(Some)
    }

    /// `+1` or `-1`, which follows at once.
    fn addend(&mut self) -> Result<i64, String> {
        let Some(sign) = self.rest.next_if(|c| matches!(c, '+' | '-')) else { return Ok(0) };
        let digits = format!("{sign}{}", self.word());
        digits.parse().map_err(|error| format!("{digits}: {error}"))
    }

    /// Text in quotes: `\"`, `\\` and `\u{…}` stand for characters.
    fn quoted(&mut self) -> Result<String, String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.rest.next() {
                    Some(c @ ('"' | '\\')) => text.push(c),
                    Some('u') => {
                        self.expect('{')?;
                        let digits = self.word();
                        self.expect('}')?;
                        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                        text.push(code.ok_or_else(|| format!("there is no character {digits}"))?);
                    }
                    other => return Err(format!("{other:?} follows a \\")),
                },
                Some(c) => text.push(c),
                None => return Err("a quote does not end".into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_as_it_is_shown() {
        let written = r#"credential="open sesame" resume_ms_max=1500 sessions_max=2"#;
        let config = parse_config(written).unwrap();
        assert_eq!(config.to_string(), written);
        assert_eq!(config.server_args(), None, "no flag asks for credentials");
        assert!(parse_config("").unwrap().is_default());
        assert_eq!(parse_config("members=1"), Err(r#"there is no setting "members""#.into()));
        assert_eq!(parse_config("sessions_max=none"), Err("sessions_max needs a number or a text".into()));
    }

    #[test]
    fn the_server_takes_times_in_seconds() {
        let config = parse_config("sessions_max=2 resume_ms_max=1050").unwrap();
        assert_eq!(config.server_args().unwrap(), ["--resume-time-max", "1.050", "--sessions-max", "2"]);
    }

    #[test]
    fn a_dialogue_has_one_configuration_and_it_goes_first() {
        let read = |lines: &str| parse(&format!("== -: title\n{lines}")).map(|dialogues| dialogues[0].config.clone());
        assert_eq!(read("config sessions_max=1\nA registers \"ann\""), parse_config("sessions_max=1"));
        let error = "line 3: a dialogue has one configuration, before its steps";
        for wrong in ["config sessions_max=1\nconfig rooms_max=1", "A registers \"ann\"\nconfig sessions_max=1"] {
            assert_eq!(read(wrong), Err(error.into()));
        }
    }
}

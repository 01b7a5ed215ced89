use proptest::prelude::*;

use super::*;

fn texts(row: &[Glyph]) -> Vec<&str> {
    row.iter().map(|glyph| glyph.text.as_str()).collect()
}

fn joined(row: &[Glyph]) -> String {
    row.iter().map(|glyph| glyph.text.as_str()).collect()
}

fn drawn(body: &str, width: u16) -> Vec<String> {
    body_rows(body.as_bytes(), width, 2, 100).iter().map(|row| joined(&row.row)).collect()
}

/// P4.
#[test]
fn what_a_terminal_would_obey_is_drawn_as_marks() {
    for c in ('\0'..'\u{20}').chain('\u{7f}'..'\u{a0}').filter(|c| *c != '\t') {
        let row = glyphs(&format!("a{c}b"), 0);
        assert!(row.len() > 2 && row[1..row.len() - 1].iter().all(|glyph| glyph.is_mark), "{c:?}: {row:?}");
        assert!(!joined(&row).contains(c), "{c:?}");
    }
    assert_eq!(joined(&glyphs("\u{1b}[2J", 0)), "␛[2J");
    assert_eq!(joined(&glyphs("\u{202e}evil", 0)), "⟨202E⟩evil");
    assert_eq!(joined(&glyph::glyphs_of_bytes(b"\xff\xc3(", 0)), "⟨xFF⟩⟨xC3⟩(");
}

#[test]
fn what_is_not_seen_is_drawn_as_marks() {
    for (text, shown) in
        [("\u{200b}", "·"), ("\u{ad}", "-"), ("\u{3164}", "⟨3164⟩"), ("\u{feff}", "·"), ("\u{e0041}", "⟨E0041⟩")]
    {
        let row = glyphs(text, 0);
        assert_eq!(joined(&row), shown);
        assert!(row.iter().all(|glyph| glyph.is_mark));
    }
    // A mark without a letter stands on one.
    assert_eq!(joined(&glyphs("\u{301}", 0)), "\u{25cc}\u{301}");
}

/// P4: 3 000 marks on a letter. Two texts that differ look different.
#[test]
fn a_letter_has_at_most_four_marks_and_the_others_are_spelled_out() {
    let row = glyphs(&format!("a{}\u{302}\u{301}b", "\u{301}".repeat(4)), 0);
    assert_eq!(joined(&row), format!("a{}⟨0302⟩⟨0301⟩b", "\u{301}".repeat(4)));
    assert!(row.is_sorted_by_key(|glyph| glyph.at) && row[1..row.len() - 1].iter().all(|glyph| glyph.is_mark));
    assert_eq!((row[1].at, row[7].at), (1 + 4 * 2, 1 + 5 * 2));
    let row = glyphs(&format!("a{}b", "\u{301}".repeat(3_000)), 0);
    assert_eq!(row.len(), 1 + "⟨0301⟩".chars().count() * 2_996 + 1);
    let row = glyphs(&"\u{301}".repeat(3_000), 0);
    assert_eq!(row.iter().map(|glyph| glyph.text.chars().count()).max(), Some(5));
}

#[test]
fn what_belongs_together_is_one_glyph() {
    for (text, width) in [
        ("é", 1),
        ("e\u{301}", 1),
        ("中", 2),
        ("👩\u{200d}🚀", 2),
        ("👩🏻\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏼", 2),
        ("🇩🇪", 2),
        ("❤\u{fe0f}", 2),
        ("👍🏽", 2),
        ("🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", 2),
        ("한", 2),
    ] {
        let row = glyphs(text, 0);
        assert_eq!((texts(&row), row[0].width, row[0].is_mark), (vec![text], width, false), "{text}");
    }
    let flags = glyphs("🇩🇪🇫🇷", 0);
    assert_eq!(texts(&flags), ["🇩🇪", "🇫🇷"]);
}

#[test]
fn nothing_is_drawn_onto_the_cell_before() {
    assert_eq!(texts(&glyphs("\u{200d}\u{ff9e}", 0)), ["\u{25cc}\u{200d}", "\u{ff9e}"]);
    assert_eq!(texts(&glyphs("\u{301}a", 0)), ["\u{25cc}\u{301}", "a"]);
    assert_eq!(joined(&glyphs("\u{fffd}\u{300}", 0)), "⟨FFFD⟩\u{25cc}\u{300}");
}

#[test]
fn no_glyph_is_long_or_wide() {
    let family = ["👩"; 300].join("\u{200d}");
    for text in [family.as_str(), "\u{17d8}", "\u{fdfd}", "क्ष्म्य्र्व", "\u{1100}\u{1161}\u{11a8}"]
    {
        for glyph in glyphs(text, 0) {
            assert!(matches!(glyph.width, 1 | 2) && glyph.text.chars().count() <= 17, "{glyph:?}");
        }
    }
}

#[test]
fn a_tab_goes_to_the_next_stop() {
    assert_eq!(joined(&glyphs("a\tb", 0)), "a   b");
    assert_eq!(joined(&glyphs("\tb", 0)), "    b");
    assert!(glyphs("a\tb", 0).iter().all(|glyph| !glyph.is_mark));
}

#[test]
fn lines_are_broken_between_words_and_indented() {
    assert_eq!(drawn("one two three", 8), ["one two ", "three"]);
    assert_eq!(drawn("one two three four", 8), ["one two ", "three ", "four"]);
    assert_eq!(drawn("exactly 8", 7), ["exactly", "8"]);
    assert_eq!(drawn("abcdefghij", 6), ["abcdef", "ghij"]);
    assert_eq!(drawn("a\nb\r\n\nc", 9), ["a", "b", "", "c"]);
    let rows = body_rows(b"one two three\nfour", 8, 2, 100);
    assert_eq!(
        rows.iter().map(|row| (row.is_wrapped, row.at)).collect::<Vec<_>>(),
        [(false, 0), (true, 8), (false, 14)]
    );
}

/// P4: 16 MB without the end of a line. Only what is shown is made into glyphs.
#[test]
fn a_line_without_an_end_costs_what_is_shown_of_it() {
    let line = "é".repeat(8 << 20).into_bytes();
    for rows_max in [1, 10] {
        let before = made();
        let rows = body_rows(&line, 80, 2, rows_max);
        assert_eq!(rows.len(), rows_max);
        assert!(rows.iter().enumerate().all(|(nth, row)| row.is_wrapped == (nth > 0)));
        assert!(made() - before <= PIECE_BYTES_MAX, "{} glyphs", made() - before);
    }
    // A line of several pieces has all of its text, in its order.
    let line = (0..5_000).map(|number| number.to_string()).collect::<Vec<_>>().join(" ") + " ";
    let rows = body_rows(line.as_bytes(), 80, 2, usize::MAX);
    let shown: String = rows.iter().map(|row| joined(&row.row)).collect();
    assert_eq!(shown.replace(' ', ""), line.replace(' ', ""));
    assert!(rows.is_sorted_by_key(|row| row.at) && rows[1..].iter().all(|row| row.is_wrapped));
    assert!(rows.iter().all(|row| width(&row.row) <= 80));
}

#[test]
fn a_wide_glyph_goes_to_the_next_row_whole() {
    assert_eq!(drawn("a中中", 4), ["a中", "中"]);
}

#[test]
fn a_link_that_fits_into_a_row_is_not_broken() {
    assert_eq!(drawn("see https://example.org/x now", 22), ["see ", "https://example.org/", "x now"]);
    assert_eq!(drawn("see https://example.org now", 22), ["see ", "https://example.org ", "now"]);
}

#[test]
fn text_that_runs_to_the_left_is_ordered_in_its_own_row() {
    // Alef, bet, gimel: the first is at the right.
    assert_eq!(drawn("אבג", 9), ["גבא"]);
    assert_eq!(drawn("see אבג 12 (ד)", 20), ["see (ד) 12 גבא"]);
    // Each line is ordered by itself, and a row of a broken one too.
    assert_eq!(drawn("אבג\nabc", 9), ["גבא", "abc"]);
    assert_eq!(drawn("אבג דהו", 5), [" גבא", "והד"]);
    // What changes the direction is a mark, and turns nothing.
    assert_eq!(drawn("\u{202e}abc", 20), ["⟨202E⟩abc"]);
    assert_eq!(drawn("\u{2067}abc", 20), ["⟨2067⟩abc"]);
}

#[test]
fn rows_of_what_the_program_says_keep_all_of_it() {
    for text in ["one two three", "exactly 8", "a\nb"] {
        let rows = rows(text, 7);
        assert_eq!(rows.iter().map(|row| joined(row)).collect::<String>(), text.replace('\n', ""));
    }
}

/// A name that runs to the left stands in the same order in the list, beside a message, in the prompt and in a
/// sentence, which it does not turn.
#[test]
fn names_turn_nothing_but_themselves() {
    let told = |text: &str| told_rows(text, 30, 2, 100).iter().map(|row| joined(&row.row)).collect::<Vec<_>>();
    assert_eq!(told("אבג joined"), ["גבא joined"]);
    assert_eq!(told("online: אבג, דהו, bob"), ["online: גבא, והד, bob"]);
    assert_eq!(joined(&line("#אבג, 3 here", 20)), "#גבא, 3 here");
    assert_eq!(joined(&told_line("only אבג reads it> ")), "only גבא reads it> ");
    assert_eq!(rows("password for אבג: ", 40).iter().map(|row| joined(row)).collect::<String>(), "password for גבא: ");
    assert_eq!(name_rows("אבג", 10).iter().map(|row| joined(row)).collect::<Vec<_>>(), ["גבא"]);
    assert_eq!(joined(&line("אבגד", 3)), "בא…");
}

#[test]
fn a_text_is_found_whatever_its_case() {
    let found = |body: &[u8], needle| -> Vec<_> {
        find_all(body, needle).into_iter().map(|range| (range.start, range.end)).collect()
    };
    assert_eq!(found("Eins EINS Äpfel".as_bytes(), "eins"), [(0, 4), (5, 9)]);
    assert_eq!(found("Äpfel".as_bytes(), "äp"), [(0, 3)]);
    assert_eq!(found(b"\xff\xfeab", "ab"), [(2, 4)]);
    assert_eq!(found(b"ab", ""), []);
    assert!(contains("ÄPFEL".as_bytes(), "äpfel"));
}

#[test]
fn what_is_cut_says_so() {
    assert_eq!(joined(&line("alice", 5)), "alice");
    assert_eq!(joined(&line("alice", 4)), "ali…");
    assert_eq!(joined(&line("中中中", 4)), "中…");
    assert_eq!(joined(&line(&"x".repeat(100_000), 4)), "xxx…");
    assert_eq!(joined(&line(&format!("a{}b", "\u{301}".repeat(1_000)), 4)), format!("a{}⟨0…", "\u{301}".repeat(4)));
}

#[test]
fn a_name_is_shown_whole() {
    let shown = |name, columns| name_rows(name, columns).iter().map(|row| joined(row)).collect::<Vec<_>>();
    assert_eq!(shown("christopher", 10), ["christophe", "…r"], "the second row is no name");
    assert_eq!(shown("山田山田", 5), ["山田", "…山田"]);
    assert_eq!(shown("", 5), [""]);
    assert_eq!(name_rows(&"x".repeat(100_000), 10).len(), usize::from(NAME_ROWS_MAX));
}

/// Bytes as nobody sends them by accident.
pub(in crate::program::full) fn nasty_bytes() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{a0}'),
        prop::char::range('\u{300}', '\u{36f}'),
        prop::char::range('\u{590}', '\u{6ff}'),
        prop::char::range('\u{900}', '\u{e7f}'),
        prop::char::range('\u{1100}', '\u{11ff}'),
        prop::char::range('\u{200a}', '\u{206f}'),
        prop::char::range('\u{1f1e6}', '\u{1f1ff}'),
        prop::char::range('\u{1f3fb}', '\u{1f6ff}'),
        prop::char::range('\u{e0000}', '\u{e0080}'),
        prop::sample::select(vec![
            '\u{200d}', '\u{fe0f}', '\n', ' ', '\t', 'a', '中', '\u{17d8}', '\u{ff9e}', '\u{fdfd}'
        ]),
    ];
    let text = prop::collection::vec(nasty, 0..100).prop_map(|chars| String::from_iter(chars).into_bytes());
    prop_oneof![4 => text, 1 => prop::collection::vec(any::<u8>(), 0..100)]
}

proptest! {
    #[test]
    fn no_row_is_wider_than_it_may_be(body in nasty_bytes(), width in 2u16..40, indent in 0u16..4) {
        for row in body_rows(&body, width, indent, 1_000) {
            let columns = if row.is_wrapped { width.saturating_sub(indent).max(2) } else { width };
            prop_assert!(super::width(&row.row) <= columns);
            for glyph in &row.row {
                prop_assert!(matches!(glyph.width, 1 | 2), "{:?}", glyph);
                prop_assert!(!glyph.text.chars().any(char::is_control), "{:?}", glyph);
                prop_assert!(glyph.text.chars().count() <= 17, "{:?}", glyph);
                prop_assert!(glyph.at <= body.len());
                let first = glyph.text.chars().next().unwrap();
                prop_assert!(unicode_width::UnicodeWidthChar::width(first) != Some(0), "{:?} is no cell's own", glyph);
            }
        }
    }

    #[test]
    fn rows_are_as_many_as_asked_for_and_begin_where_they_say(body in nasty_bytes(), width in 2u16..40) {
        let all = body_rows(&body, width, 2, usize::MAX);
        let some = body_rows(&body, width, 2, 3);
        prop_assert_eq!(some.len(), all.len().min(3));
        prop_assert!(all.is_sorted_by_key(|row| row.at));
    }

    #[test]
    fn the_line_that_is_typed_is_never_wider_than_its_place(bytes in nasty_bytes(), width in 2u16..40) {
        for row in rows(&String::from_utf8_lossy(&bytes), width) {
            prop_assert!(super::width(&row) <= width);
        }
    }
}

//! `stagger man`: the pages of the manual, made from the same texts as the help.

use std::io;

use clap::CommandFactory as _;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use crate::args::{Args, Page};
use crate::console::{Console, Exit};

const NOTES: &str = "Notes";

/// Prints the page of a command, or the page of `stagger` itself.
pub(crate) fn run(page: Option<Page>, console: &mut Console) -> Exit {
    match render(page) {
        Ok(text) => {
            console.print(&text);
            Exit::Success
        }
        Err(error) => {
            console.error(&format!("cannot write the page: {error}"));
            Exit::Failure
        }
    }
}

fn render(page: Option<Page>) -> io::Result<String> {
    let mut whole = Args::command();
    whole.build();
    let command = match page {
        None => whole.clone(),
        Some(page) => {
            let mut words = page.words().iter();
            let found = words.try_fold(&whole, |command, word| command.find_subcommand(word));
            found.expect("every page is a command's").clone()
        }
    };
    let source = format!("stagger {}", whole.get_version().unwrap_or_default());
    let has_commands = command.has_subcommands();
    let after = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let man = Man::new(command).source(source).manual("Stagger");

    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let mut rest = Roff::new();
    sections(&after, &mut rest);
    if page.is_some() {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold("stagger"), roman("(1)")]);
    }
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    rest.to_writer(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Turns the text after the options of a help into sections. One or two words and a colon at the
/// beginning of a paragraph are its heading. Lines below such a heading stay lines. Every other
/// paragraph is a note.
fn sections(help: &str, page: &mut Roff) {
    let mut in_notes = false;
    for paragraph in help.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let headed = paragraph.split_once(':').filter(|(words, _)| words.split(' ').count() <= 2);
        let (heading, body) = headed.unwrap_or((NOTES, paragraph));
        if heading == NOTES && in_notes {
            page.control("PP", []);
        } else {
            page.control("SH", [&heading.to_uppercase()[..]]);
        }
        in_notes = heading == NOTES;
        let as_it_is = body.strip_prefix('\n');
        let indent = if as_it_is.is_some() { "  " } else { " " };
        if as_it_is.is_some() {
            page.control("nf", []);
        }
        for line in as_it_is.unwrap_or(body).lines() {
            page.text([roman(line.strip_prefix(indent).unwrap_or(line))]);
        }
        if as_it_is.is_some() {
            page.control("fi", []);
        }
    }
}

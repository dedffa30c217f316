//! What a shell script runs: its commands, as far as they are written out.
//!
//! A module of its own because a script is another grammar than a list of words: only the first word of a command is a
//! program's name, and variables are set on the way. Nothing is executed and nothing is exact: a command in a text counts
//! as one, which only keeps a file more.

use hashbrown::HashMap;

use super::command::{expand, follow_argument, follow_word};
use super::language::{Speakers, is_spent};
use super::walk::{Found, Walk, name};
use super::{Origin, absolute};

/// Words of one script, and variables that it sets, at most.
const MAX_WORDS: usize = 8192;
const MAX_VARIABLES: usize = 256;

/// Words behind which a command stands.
const KEYWORDS: [&str; 15] = [
    "!", "builtin", "command", "do", "elif", "else", "env", "exec", "if", "nice", "nohup", "then", "time",
    "until", "while",
];

/// The text of a shell script that a probe kept.
pub(super) fn script(walk: &Walk<'_>, found: &Found) -> Option<String> {
    let is_shell = |program: &[u8]| {
        matches!(
            name(program),
            b"sh" | b"ash" | b"bash" | b"dash" | b"ksh" | b"zsh" | b"busybox"
        )
    };
    let speaks = match walk.shebang(found.node) {
        Some(line) => line.split(u8::is_ascii_whitespace).any(is_shell),
        None => found.called.ends_with(b".sh") || absolute(walk.map, found.node).ends_with(b".sh"),
    };
    let text = walk.content(found.node).filter(|_| speaks)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Follows every command of a script.
pub(super) fn follow(walk: &mut Walk<'_>, script: &str, origin: Origin) {
    let mut variables: HashMap<String, String> = HashMap::new();
    let (mut speakers, mut is_command) = (Speakers::default(), true);
    for token in Tokens(script).take(MAX_WORDS) {
        let Token::Word(word) = token else {
            is_command = true;
            speakers = Speakers::default();
            continue;
        };
        if is_command && KEYWORDS.contains(&word.as_str()) {
            continue;
        }
        let config = walk.config;
        let known = |name: &str| variables.get(name).cloned().or_else(|| config.env(name));
        let word = expand(&word, known);
        if let Some((variable, value)) = assignment(&word).filter(|_| is_command) {
            if variables.len() < MAX_VARIABLES {
                variables.insert(variable.to_owned(), value.to_owned());
            }
            continue;
        }
        if is_command {
            is_command = false;
            let local = [b"node_modules/.bin/", word.as_bytes()].concat();
            if word.contains('/')
                || walk.program(word.as_bytes(), origin).is_some()
                || walk.file(&local, origin).is_none()
            {
                follow_word(walk, word.as_bytes(), origin, &mut speakers);
            }
        } else if !is_spent(walk, word.as_bytes(), origin, &mut speakers) {
            // `exec "$PROGRAM"` with a name that only the container knows is followed by nothing.
            follow_argument(walk, word.as_bytes(), origin, &speakers);
        }
    }
}

/// `NAME` and `value` of `NAME=value`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (variable, value) = word.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!variable.is_empty() && variable.chars().all(is_name)).then_some((variable, value))
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// What ends a command.
    End,
}

/// The words of a script, quotes taken off, comments left out.
struct Tokens<'a>(&'a str);

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let mut word = String::new();
        loop {
            let Some(c) = self.0.chars().next() else {
                return (!word.is_empty()).then_some(Token::Word(word));
            };
            let rest = &self.0[c.len_utf8()..];
            match c {
                '#' if word.is_empty() => {
                    self.0 = rest.find('\n').map_or("", |end| &rest[end..]);
                    continue;
                }
                // A line that goes on is one line; any other character behind a backslash is itself.
                '\\' => {
                    let next = rest.chars().next();
                    word.extend(next.filter(|&c| c != '\n'));
                    self.0 = next.map_or("", |c| &rest[c.len_utf8()..]);
                    continue;
                }
                '"' | '\'' => {}
                '{' | '}' if !word.is_empty() => word.push(c),
                ';' | '&' | '|' | '(' | ')' | '`' | '\n' | '{' | '}' => {
                    if !word.is_empty() {
                        return Some(Token::Word(word));
                    }
                    self.0 = rest;
                    return Some(Token::End);
                }
                '<' | '>' => {
                    if !word.is_empty() {
                        return Some(Token::Word(word));
                    }
                }
                c if c.is_whitespace() => {
                    if !word.is_empty() {
                        self.0 = rest;
                        return Some(Token::Word(word));
                    }
                }
                c => word.push(c),
            }
            self.0 = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_cut_into_words_and_ends_of_commands() {
        for (script, want) in [
            ("exec app", "exec app"),
            ("a 'b c' \"d\"", "a b c d"),
            ("# no\na;b&&c # x\n", ". a . b . . c ."),
            ("a \\\n b", "a b"),
            ("x=$(y ${Z:-1})", "x=$ . y ${Z:-1} ."),
            ("{ a; }", ". a . ."),
            ("a>b <c 2>&1", "a b c 2 . 1"),
            ("a#b \\", "a#b"),
            ("", ""),
        ] {
            let tokens: Vec<String> = Tokens(script)
                .map(|token| match token {
                    Token::Word(word) => word,
                    Token::End => ".".to_owned(),
                })
                .collect();
            assert_eq!(tokens.join(" "), want, "{script}");
        }
    }
}

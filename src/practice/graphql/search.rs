//! Shopify's search syntax, as far as lists are asked with it: `updated_at:>='2026-11-01T00:00:00Z' AND name:#1001`.

use std::cmp::Ordering;

/// One `field:value` of a search, or a bare word (no field).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) field: String,
    comparison: Comparison,
    value: String,
    negated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Alternatives, each of which wants all of its terms.
pub(super) fn parse(text: &str) -> Vec<Vec<Term>> {
    let mut alternatives = vec![Vec::new()];
    let mut negated = false;
    for word in words(text) {
        match word.as_str() {
            "AND" => {}
            "OR" => alternatives.push(Vec::new()),
            "NOT" => negated = true,
            _ => {
                let term = term(&word, std::mem::take(&mut negated));
                if let Some(last) = alternatives.last_mut() {
                    last.push(term);
                }
            }
        }
    }
    alternatives
}

/// Cuts at spaces and brackets outside quotes; quotes go away.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | ')') => {}
            (None, _) if letter.is_whitespace() => words.push(std::mem::take(&mut word)),
            (None, _) => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn term(word: &str, negated: bool) -> Term {
    let (word, negated) = word
        .strip_prefix('-')
        .map_or((word, negated), |rest| (rest, true));
    let Some((field, rest)) = word.split_once(':') else {
        return Term {
            field: String::new(),
            comparison: Comparison::Equal,
            value: word.to_owned(),
            negated,
        };
    };
    let signs = [
        (">=", Comparison::GreaterOrEqual),
        ("<=", Comparison::LessOrEqual),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
    ];
    let found = signs
        .iter()
        .find_map(|(sign, comparison)| rest.strip_prefix(sign).map(|value| (*comparison, value)));
    let (comparison, value) = found.unwrap_or((Comparison::Equal, rest));
    Term {
        field: field.to_owned(),
        comparison,
        value: value.to_owned(),
        negated,
    }
}

impl Term {
    /// Whether one of the values of the field fits.
    pub(super) fn fits(&self, values: &[String]) -> bool {
        let any = values.iter().any(|value| self.fits_one(value));
        any != self.negated
    }

    fn fits_one(&self, value: &str) -> bool {
        match self.comparison {
            Comparison::Equal if self.value.ends_with('*') => value
                .to_lowercase()
                .starts_with(&self.value.trim_end_matches('*').to_lowercase()),
            Comparison::Equal if self.value == "*" => !value.is_empty(),
            Comparison::Equal => {
                value.eq_ignore_ascii_case(&self.value)
                    || self.order(value) == Some(Ordering::Equal)
            }
            Comparison::Less => self.order(value) == Some(Ordering::Less),
            Comparison::LessOrEqual => self.order(value).is_some_and(Ordering::is_le),
            Comparison::Greater => self.order(value) == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => self.order(value).is_some_and(Ordering::is_ge),
        }
    }

    /// How a value stands to the wanted one: as a time, as a number.
    fn order(&self, value: &str) -> Option<Ordering> {
        let time = |text: &str| {
            let whole = if text.len() == 10 {
                format!("{text}T00:00:00Z")
            } else {
                text.to_owned()
            };
            whole.parse::<jiff::Timestamp>().ok()
        };
        if let (Some(left), Some(right)) = (time(value), time(&self.value)) {
            return Some(left.cmp(&right));
        }
        let number = |text: &str| text.parse::<i64>().ok();
        Some(number(value)?.cmp(&number(&self.value)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(query: &str, field: &str, value: &str) -> bool {
        parse(query).iter().any(|all| {
            all.iter()
                .all(|term| term.field == field && term.fits(&[value.to_owned()]))
        })
    }

    #[test]
    fn times_numbers_and_words_are_compared() {
        assert!(fits(
            "updated_at:>='2026-11-01T00:00:00Z'",
            "updated_at",
            "2026-11-01T00:00:00Z"
        ));
        assert!(!fits(
            "updated_at:>'2026-11-01T00:00:00Z'",
            "updated_at",
            "2026-11-01T00:00:00Z"
        ));
        assert!(fits("id:>5", "id", "6") && !fits("id:>5", "id", "5"));
        assert!(fits("name:#1001 OR name:#1002", "name", "#1002"));
        assert!(!fits("-name:#1001", "name", "#1001"));
    }
}

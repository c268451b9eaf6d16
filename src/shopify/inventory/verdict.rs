//! What Shopify's refusal of a call means: which numbers it does not take, or what is to be done with the key.
use crate::shopify::graphql::inventory_set_quantities as payload;

/// A number that Shopify did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    pub(super) index: usize,
    pub(super) words: String,
    /// It is another number by now.
    pub(super) is_stale: bool,
}

/// What Shopify's refusal of a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same call is under way.
    SameAgain(String),
    /// The key is used up and nothing is known.
    Anew(String),
    /// We ask wrongly.
    Ours(String),
    /// These numbers.
    Rows(Vec<BadRow>),
    /// Some number, nobody says which.
    Somewhere(String),
}

type UserError = payload::InventorySetQuantitiesInventorySetQuantitiesUserErrors;

impl Verdict {
    /// `rows`: how many numbers the call had.
    pub(super) fn of(errors: Vec<UserError>, rows: usize) -> Verdict {
        let has = |codes: &[&str]| {
            let found = errors.iter().find(|error| {
                let code = error.code.as_deref().unwrap_or_default();
                codes.contains(&code)
            });
            found.map(|error| error.message.clone())
        };
        if let Some(words) = has(&["IDEMPOTENCY_CONCURRENT_REQUEST"]) {
            return Verdict::SameAgain(words);
        }
        if let Some(words) = has(&[
            "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
            "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        ]) {
            return Verdict::Anew(words);
        }
        if let Some(words) = has(&[
            "INVALID_NAME",
            "INVALID_REASON",
            "INVALID_REFERENCE_DOCUMENT",
        ]) {
            return Verdict::Ours(words);
        }
        let mut bad: Vec<BadRow> = Vec::new();
        for error in &errors {
            let index = index(error.field.as_deref().unwrap_or_default());
            let Some(index) = index.or((rows == 1).then_some(0)) else {
                return Verdict::Somewhere(error.message.clone());
            };
            let code = error.code.as_deref().unwrap_or_default();
            bad.push(BadRow {
                index,
                words: error.message.clone(),
                is_stale: ["CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"].contains(&code),
            });
        }
        Verdict::Rows(bad)
    }
}

/// Which row an error is about: `["input", "quantities", "3", "quantity"]`.
fn index(field: &[String]) -> Option<usize> {
    field.iter().find_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(field: &[&str], code: &str) -> UserError {
        UserError {
            field: Some(field.iter().map(|part| (*part).to_owned()).collect()),
            message: format!("words of {code}"),
            code: Some(code.to_owned()),
        }
    }

    #[test]
    fn a_refusal_names_its_rows_or_none() {
        let field = &["input", "quantities", "3", "inventoryItemId"];
        let verdict = Verdict::of(vec![error(field, "NON_MUTABLE_INVENTORY_ITEM")], 250);
        let Verdict::Rows(rows) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!((rows[0].index, rows[0].is_stale), (3, false));
        let nowhere = || {
            vec![error(
                &["input", "quantities"],
                "CHANGE_FROM_QUANTITY_STALE",
            )]
        };
        assert!(matches!(Verdict::of(nowhere(), 250), Verdict::Somewhere(_)));
        let Verdict::Rows(rows) = Verdict::of(nowhere(), 1) else {
            panic!("the only one");
        };
        assert_eq!((rows[0].index, rows[0].is_stale), (0, true));
    }

    #[test]
    fn a_key_that_is_used_up_is_never_sent_again() {
        let of = |code| Verdict::of(vec![error(&[], code)], 9);
        assert!(matches!(
            of("IDEMPOTENCY_CONCURRENT_REQUEST"),
            Verdict::SameAgain(_)
        ));
        assert!(matches!(
            of("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"),
            Verdict::Anew(_)
        ));
        assert!(matches!(of("INVALID_REASON"), Verdict::Ours(_)));
    }
}

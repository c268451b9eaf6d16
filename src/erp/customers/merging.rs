//! Two contacts that are one person: merged by choice, field by field, and taken apart again for 30 days.
//!
//! Whoever is merged away keeps their row, with what their stores say of them, and points to the one that is kept:
//! orders that come for them later are the kept one's, and undoing gives everything back where it was. A merge that a
//! store tells of takes the same road.
use std::time::Duration;

use serde_json::json;

use super::queries::list::{self, SumRow};
use super::queries::merging::{self as rows, MergeRow, Whole};
use super::search;
use crate::erp::audit::{self, Kind};
use crate::erp::changes;
use crate::platform::db::{DbConnection, DbError};
use crate::types::{At, ContactId, ContactMergeId, UserId};

/// For so long a merge can be undone.
pub const UNDO_FOR: Duration = Duration::from_secs(30 * 86_400);

crate::text_enum! {
    /// Whose value stays.
    Side {
        Kept = "kept",
        Gone = "gone",
    }
}

/// Whose value stays, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picks {
    pub account: Side,
    pub name: Side,
    /// With the consent to write there.
    pub email: Side,
    /// As the e-mail address.
    pub phone: Side,
    pub note: Side,
}

impl Picks {
    /// The kept one's values, and the other's where the kept one has none.
    #[must_use]
    pub fn filled(kept: &Whole, gone: &Whole) -> Picks {
        let side = |ours: bool, theirs: bool| {
            if !ours && theirs {
                Side::Gone
            } else {
                Side::Kept
            }
        };
        let is_there = |text: &Option<String>| text.as_ref().is_some_and(|it| !it.is_empty());
        let is_named = |one: &Whole| is_there(&one.first_name) || is_there(&one.last_name);
        Picks {
            account: Side::Kept,
            name: side(is_named(kept), is_named(gone)),
            email: side(is_there(&kept.email), is_there(&gone.email)),
            phone: side(is_there(&kept.phone), is_there(&gone.phone)),
            note: side(is_there(&kept.note), is_there(&gone.note)),
        }
    }
}

/// Why two were not merged, or not taken apart.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("there is no such customer")]
    NotFound,
    #[error("a customer cannot be merged with themselves")]
    Same,
    #[error("one of the two has been merged into another already")]
    Merged(ContactId),
    #[error("this merge has been undone already")]
    Undone,
    #[error("a later merge builds on this one: undo that one first")]
    BuiltOn,
    #[error("a merge can be undone for 30 days, and this one is older")]
    TooLate,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What a merge would do.
#[derive(Clone, Debug)]
pub struct Preview {
    pub kept: Whole,
    pub gone: Whole,
    /// What each ordered, by currency.
    pub sums: Vec<(ContactId, SumRow)>,
    /// Orders that would move.
    pub orders: i64,
}

/// What merging these two would do.
///
/// # Errors
///
/// `NotFound`, `Same`, `Merged`.
pub fn preview(
    conn: &mut DbConnection,
    kept: ContactId,
    gone: ContactId,
) -> Result<Preview, MergeError> {
    let (kept, gone) = both(conn, kept, gone)?;
    Ok(Preview {
        sums: list::sums(conn, &[kept.id, gone.id])?,
        orders: super::queries::count_orders(conn, gone.id)?,
        kept,
        gone,
    })
}

fn both(
    conn: &mut DbConnection,
    kept: ContactId,
    gone: ContactId,
) -> Result<(Whole, Whole), MergeError> {
    if kept == gone {
        return Err(MergeError::Same);
    }
    let mut find = |id| rows::find_whole(conn, id)?.ok_or(MergeError::NotFound);
    let (kept, gone) = (find(kept)?, find(gone)?);
    match kept.merged_into.or(gone.merged_into) {
        Some(into) => Err(MergeError::Merged(into)),
        None => Ok((kept, gone)),
    }
}

/// Makes one of two: the orders of one become the other's. `by`: nobody, where a store told it.
///
/// # Errors
///
/// `NotFound`, `Same`, `Merged`.
pub fn merge(
    conn: &mut DbConnection,
    (kept, gone): (ContactId, ContactId),
    picks: Option<Picks>,
    by: Option<UserId>,
    now: At,
) -> Result<ContactMergeId, MergeError> {
    let (kept, gone) = both(conn, kept, gone)?;
    let picks = picks.unwrap_or_else(|| Picks::filled(&kept, &gone));
    let after = picked(&kept, &gone, picks);
    if !rows::mark_merged(conn, gone.id, kept.id)? {
        return Err(MergeError::Merged(kept.id));
    }
    let moved = super::queries::count_orders(conn, gone.id)?;
    let merge = rows::insert(conn, &kept, &after, gone.id, (moved, by), now)?;
    rows::set_whole(conn, kept.id, &after)?;
    let moved = rows::move_orders(conn, merge, gone.id, kept.id)?;
    search::refresh(conn, &[gone.id])?;
    changes::record_all(conn, "order", &moved, now)?;
    let both = [kept.public_id, gone.public_id];
    changes::record_all(conn, "customer", &both, now)?;
    let subject = format!("customer/{}", kept.id);
    let what = json!({ "gone": gone.id.0, "orders": moved.len(), "merge": merge.0 });
    audit::record(conn, by, Kind::CustomersMerged, &subject, &what, now)?;
    Ok(merge)
}

/// The kept one as the picks want it. Tags come together.
fn picked(kept: &Whole, gone: &Whole, picks: Picks) -> Whole {
    let mut after = kept.clone();
    if picks.account == Side::Gone {
        after.account_id = gone.account_id;
    }
    if picks.name == Side::Gone {
        after.take_name(gone);
    }
    if picks.email == Side::Gone {
        after.take_email(gone);
    }
    if picks.phone == Side::Gone {
        after.take_phone(gone);
    }
    if picks.note == Side::Gone {
        after.note.clone_from(&gone.note);
    }
    let tags = [kept.tags.as_deref(), gone.tags.as_deref()];
    let tags: Vec<String> = tags
        .into_iter()
        .flatten()
        .flat_map(|tags| tags.split(", ").map(str::to_owned))
        .collect();
    if !tags.is_empty() {
        after.tags = Some(super::listed(&tags));
    }
    after
}

/// Takes a merge apart: each has their own orders again, and what was changed since stays as it is.
///
/// # Errors
///
/// `NotFound`, `Undone`, `BuiltOn`, `TooLate`.
pub fn undo(
    conn: &mut DbConnection,
    id: ContactMergeId,
    by: UserId,
    now: At,
) -> Result<MergeRow, MergeError> {
    let merge = rows::find(conn, id)?.ok_or(MergeError::NotFound)?;
    if merge.undone_at.is_some() {
        return Err(MergeError::Undone);
    }
    if now.since(merge.merged_at) > UNDO_FOR {
        return Err(MergeError::TooLate);
    }
    let find =
        |conn: &mut DbConnection, id| rows::find_whole(conn, id)?.ok_or(MergeError::NotFound);
    let (kept, gone) = (find(conn, merge.kept)?, find(conn, merge.gone)?);
    let last = rows::find_last(conn, kept.id)?;
    if kept.merged_into.is_some() || last != Some(id) {
        return Err(MergeError::BuiltOn);
    }
    if !rows::mark_undone(conn, id, by, now)? {
        return Err(MergeError::Undone);
    }
    rows::mark_apart_again(conn, gone.id)?;
    if let Some((before, after)) = merge.values() {
        rows::set_whole(conn, kept.id, &given_back(&before, &after, &kept))?;
    }
    let moved = rows::move_orders_back(conn, id, kept.id, gone.id)?;
    search::refresh(conn, &[kept.id, gone.id])?;
    changes::record_all(conn, "order", &moved, now)?;
    let both = [kept.public_id, gone.public_id];
    changes::record_all(conn, "customer", &both, now)?;
    let subject = format!("customer/{}", merge.kept);
    let what = json!({ "gone": merge.gone.0, "orders": moved.len(), "merge": id.0 });
    audit::record(
        conn,
        Some(by),
        Kind::CustomersMergeUndone,
        &subject,
        &what,
        now,
    )?;
    Ok(merge)
}

/// What the kept one has after undoing: what it had before, except for what was changed since the merge.
fn given_back(before: &Whole, after: &Whole, now: &Whole) -> Whole {
    let mut back = now.clone();
    if now.account_id == after.account_id {
        back.account_id = before.account_id;
    }
    if (&now.first_name, &now.last_name) == (&after.first_name, &after.last_name) {
        back.take_name(before);
    }
    if now.email == after.email {
        back.take_email(before);
    }
    if now.phone == after.phone {
        back.take_phone(before);
    }
    if now.note == after.note {
        back.note.clone_from(&before.note);
    }
    if now.tags == after.tags {
        back.tags.clone_from(&before.tags);
    }
    back
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::AccountId;

    fn somebody(id: i64, email: Option<&str>) -> Whole {
        Whole {
            id: ContactId(id),
            public_id: String::new(),
            account_id: AccountId(id),
            first_name: Some(format!("Name {id}")),
            last_name: None,
            email: email.map(str::to_owned),
            email_normal: email.map(str::to_owned),
            email_consent: email.map(|_| "subscribed".to_owned()),
            email_consent_level: None,
            email_consent_at: None,
            phone: None,
            phone_normal: None,
            sms_consent: None,
            sms_consent_level: None,
            sms_consent_at: None,
            note: None,
            tags: Some(format!("tag {id}")),
            merged_into: None,
        }
    }

    #[test]
    fn who_is_kept_takes_what_they_lack_and_gives_it_back() {
        let (kept, gone) = (somebody(1, None), somebody(2, Some("ada@example.com")));
        let picks = Picks::filled(&kept, &gone);
        assert_eq!((picks.email, picks.name), (Side::Gone, Side::Kept));
        let after = picked(&kept, &gone, picks);
        assert_eq!(after.email_normal.as_deref(), Some("ada@example.com"));
        assert_eq!(after.email_consent.as_deref(), Some("subscribed"));
        assert_eq!(after.tags.as_deref(), Some("tag 1, tag 2"));
        assert_eq!(given_back(&kept, &after, &after), kept);
    }

    #[test]
    fn what_was_changed_since_stays() {
        let (kept, gone) = (somebody(1, None), somebody(2, Some("ada@example.com")));
        let after = picked(&kept, &gone, Picks::filled(&kept, &gone));
        let mut now = after.clone();
        now.first_name = Some("Augusta".to_owned());
        let back = given_back(&kept, &after, &now);
        assert_eq!(back.first_name.as_deref(), Some("Augusta"));
        assert_eq!(back.email, None);
    }
}

//! Pictures of what a store sells: fetched once, made small, kept and served by us, so that no page asks another host.
//! Which one a variant has the mirror says (`products`); one that cannot be shown is noted with why, and left out.
pub mod fetching;
pub mod queries;
pub mod scaling;

use std::collections::BTreeSet;

use crate::platform::db::{DbConnection, DbError};
use crate::platform::jobs::{self, Filing};
use crate::shopify::Connector;
use crate::shopify::pictures::fetching::FetchPictures;
use crate::shopify::products::Variant;
use crate::shopify::products::queries::VariantRow;
use crate::shopify::shops::Shop;
use crate::text_enum;
use crate::types::{At, ShopId};

/// Rows that one statement of the sweep looks at.
const SWEPT: i64 = 1000;

text_enum! {
    /// How a picture stands.
    PictureState {
        /// It is to be fetched.
        Wanted = "wanted",
        Kept = "kept",
        /// It cannot be shown; the row says why.
        LeftOut = "left_out",
    }
}

/// The sizes in which a picture is kept: both are square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 96 pixels: beside a title, sharp on a fine screen.
    Small,
    /// 480 pixels.
    Large,
}

/// Has the pictures of these variants fetched, as far as they are not here.
///
/// # Errors
///
/// The database's.
pub(crate) fn want(
    conn: &mut DbConnection,
    shop: &Shop,
    variants: &[Variant],
    now: At,
) -> Result<(), DbError> {
    let urls: BTreeSet<&str> = variants
        .iter()
        .filter_map(|variant| variant.picture.url())
        .collect();
    if !urls.is_empty() && queries::insert_wanted(conn, shop.id, &urls, now)? > 0 {
        file(conn, shop, now)?;
    }
    Ok(())
}

/// Forgets the pictures of a product that no variant shows any more: `before`, as it was; `after`, as it is.
///
/// # Errors
///
/// The database's.
pub(crate) fn forget(
    conn: &mut DbConnection,
    shop: ShopId,
    before: &[VariantRow],
    after: &[Variant],
) -> Result<(), DbError> {
    let mut old: BTreeSet<&str> = before
        .iter()
        .filter_map(|variant| variant.picture_url.as_deref())
        .collect();
    for url in after.iter().filter_map(|variant| variant.picture.url()) {
        old.remove(url);
    }
    if old.is_empty() {
        return Ok(());
    }
    queries::delete_unshown(conn, shop, &old)
}

/// After a whole import: forgets every picture that no variant shows any more, and has those fetched once more whose host
/// did not answer.
///
/// # Errors
///
/// The database's.
pub(crate) async fn tidy(cx: &Connector, shop: &Shop) -> Result<(), DbError> {
    let (id, mut after) = (shop.id, 0);
    loop {
        let last = cx
            .db
            .write(move |conn| queries::sweep(conn, id, after, SWEPT))
            .await?;
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    let (shop, now) = (shop.clone(), cx.clock.now());
    cx.db
        .write(move |conn| {
            if queries::want_again(conn, shop.id, fetching::MOST_ATTEMPTS, now)? > 0 {
                file(conn, &shop, now)?;
            }
            Ok(())
        })
        .await
}

/// Several wishes are one job.
fn file(conn: &mut DbConnection, shop: &Shop, now: At) -> Result<(), DbError> {
    let job = FetchPictures { shop: shop.id };
    jobs::enqueue(conn, &job, &filing(shop), now).map(drop)
}

fn filing(shop: &Shop) -> Filing {
    Filing {
        shop_domain: Some(shop.domain.to_string()),
        ..Filing::default()
    }
}

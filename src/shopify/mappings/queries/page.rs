//! The list of a store's variants, in keyset pages by title, and what stands around it: a page costs the same however
//! many variants there are.
use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::super::search::Found;
use super::super::{VariantState, search};
use super::View;
use crate::erp::holds::{HoldKind, line_cause};
use crate::native;
use crate::platform::db::prepared::Prepare as _;
use crate::platform::db::{DbConnection, DbError, MultiBackend};
use crate::schema::shopify_variant_terms as w;
use crate::schema::shopify_variants as v;
use crate::shopify::products::queries::VariantRow;
use crate::types::{ChannelId, ShopId, VariantId};

/// Each number of a list ends at one more than this.
pub const MOST_COUNTED: i64 = 10_000;
/// The number of orders that wait for a variant ends at one more than this.
pub const MOST_WAITING: i64 = 1_000;
/// The variants that hold most orders are looked for among so many holds, the last ones.
const LATEST_HOLDS: i64 = 5_000;
/// So many variants are looked at for words that many have.
const LOOK: i64 = 2_000;

/// Which variants of a store.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub shop: ShopId,
    pub view: View,
    pub found: &'a Found,
    /// Not these, by their ids at Shopify.
    pub except: &'a [String],
}

/// Where a variant stands in the list.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Place {
    pub title: String,
    pub id: VariantId,
}

/// Variants by title.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<VariantRow>,
    /// The next page begins behind this.
    pub next: Option<Place>,
    /// The look ended there with fewer rows than a page has.
    pub is_cut: bool,
}

/// How many variants each view has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub unmapped: i64,
    pub conflicts: i64,
    pub mapped: i64,
    pub ignored: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

type Boxed<'a> = v::BoxedQuery<'a, MultiBackend>;

/// A page of variants by title.
///
/// # Errors
///
/// The database's.
pub fn page(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    after: Option<&Place>,
    size: usize,
) -> Result<Page, DbError> {
    let end = match wanted.found {
        // What many have is looked for among so many: two such words may have nothing in common.
        Found::WithWords(_) => look_end(conn, wanted, after)?,
        Found::Everything | Found::These(_) => None,
    };
    let mut query = beyond(matching(wanted), after);
    if let Some(end) = &end {
        query = query
            .filter(v::product_title.le(end.title.clone()))
            .filter(v::product_title.lt(end.title.clone()).or(v::id.le(end.id)));
    }
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows: Vec<VariantRow> = query
        .order((v::product_title, v::id))
        .limit(limit)
        .select(VariantRow::as_select())
        .load(conn)?;
    let is_full = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| is_full).map(|row| Place {
        title: row.product_title.clone(),
        id: row.id,
    });
    Ok(Page {
        is_cut: !is_full && end.is_some(),
        next: last.or(end),
        rows,
    })
}

fn look_end(
    conn: &mut DbConnection,
    wanted: Wanted<'_>,
    after: Option<&Place>,
) -> Result<Option<Place>, DbError> {
    let all = in_view(Some(wanted.view)).filter(v::shop_id.eq(wanted.shop));
    Ok(beyond(all, after)
        .order((v::product_title, v::id))
        .offset(LOOK - 1)
        .limit(1)
        .select((v::product_title, v::id))
        .first(conn)
        .optional()?)
}

fn matching<'a>(wanted: Wanted<'_>) -> Boxed<'a> {
    let mut query = in_view(Some(wanted.view)).filter(v::shop_id.eq(wanted.shop));
    match wanted.found {
        Found::Everything => {}
        Found::These(these) => query = query.filter(v::id.eq_any(these.clone())),
        Found::WithWords(words) => {
            for word in words {
                let having = w::table
                    .filter(w::variant_id.eq(v::id))
                    .filter(w::term.ge(word.clone()))
                    .filter(w::term.lt(search::behind(word)));
                query = query.filter(exists(having));
            }
        }
    }
    if !wanted.except.is_empty() {
        query = query.filter(v::external_id.ne_all(wanted.except.to_vec()));
    }
    query
}

fn beyond<'a>(query: Boxed<'a>, after: Option<&Place>) -> Boxed<'a> {
    let Some(Place { title, id }) = after else {
        return query;
    };
    // The first filter says less than the second, but it is one that an index can begin at.
    query
        .filter(v::product_title.ge(title.clone()))
        .filter(v::product_title.gt(title.clone()).or(v::id.gt(*id)))
}

/// Variants of all stores in a view, or all that are sold.
pub(super) fn in_view<'a>(view: Option<View>) -> Boxed<'a> {
    let state = match view {
        None => return v::table.filter(v::deleted_at.is_null()).into_boxed(),
        Some(View::Conflicts) => return v::table.filter(v::question.is_not_null()).into_boxed(),
        Some(View::Unmapped) => VariantState::Unmapped,
        Some(View::Mapped) => VariantState::Mapped,
        Some(View::Ignored) => VariantState::Ignored,
    };
    v::table
        .filter(v::state.eq(state))
        .filter(v::deleted_at.is_null())
        .into_boxed()
}

/// These variants, where they are in the view.
///
/// # Errors
///
/// The database's.
pub fn list_these(
    conn: &mut DbConnection,
    shop: ShopId,
    view: View,
    external_ids: &[String],
) -> Result<Vec<VariantRow>, DbError> {
    Ok(in_view(Some(view))
        .filter(v::shop_id.eq(shop))
        .filter(v::external_id.eq_any(external_ids.to_vec()))
        .select(VariantRow::as_select())
        .load(conn)?)
}

/// How many variants each view has; each number ends at one more than [`MOST_COUNTED`].
///
/// # Errors
///
/// The database's.
pub fn count(conn: &mut DbConnection, shop: ShopId) -> Result<Counts, DbError> {
    let mut counted = |view| count_view(conn, shop, view, MOST_COUNTED + 1);
    Ok(Counts {
        unmapped: counted(View::Unmapped)?,
        conflicts: counted(View::Conflicts)?,
        mapped: counted(View::Mapped)?,
        ignored: counted(View::Ignored)?,
    })
}

/// How many variants a view has, as far as that.
///
/// # Errors
///
/// The database's.
pub fn count_view(
    conn: &mut DbConnection,
    shop: ShopId,
    view: View,
    most: i64,
) -> Result<i64, DbError> {
    let text = count_text(shop, view, most);
    let found: Count = native!(conn, |c| diesel::sql_query(&text).get_result(c))?;
    Ok(found.n)
}

fn count_text(shop: ShopId, view: View, most: i64) -> String {
    let state = |state: VariantState| format!("state = '{state}' AND deleted_at IS NULL");
    let is_in = match view {
        View::Conflicts => "question IS NOT NULL".to_owned(),
        View::Unmapped => state(VariantState::Unmapped),
        View::Mapped => state(VariantState::Mapped),
        View::Ignored => state(VariantState::Ignored),
    };
    format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM shopify_variants \
           WHERE {is_in} AND shop_id = {shop} LIMIT {most}) counted"
    )
}

/// The variants that hold most orders of the channel, by their ids at Shopify: counted among its last holds.
///
/// # Errors
///
/// The database's.
pub fn list_blocking(
    conn: &mut DbConnection,
    channel: ChannelId,
    at_most: usize,
) -> Result<Vec<String>, DbError> {
    let text = blocking_text(channel, at_most);
    let found: Vec<Waiting> = native!(conn, |c| diesel::sql_query(&text)
        .bind::<Text, _>(line_cause("%"))
        .load(c))?;
    Ok(found.into_iter().map(|row| row.cause).collect())
}

fn blocking_text(channel: ChannelId, at_most: usize) -> String {
    let kind = HoldKind::Unmapped;
    format!(
        "SELECT cause, count(*) AS n FROM (SELECT cause FROM holds \
           WHERE channel_id = {channel} AND kind = '{kind}' AND released_at IS NULL \
           ORDER BY id DESC LIMIT {LATEST_HOLDS}) latest \
          WHERE cause NOT LIKE $1 GROUP BY cause ORDER BY n DESC, cause LIMIT {at_most}"
    )
}

/// How many orders of the channel wait for each of these variants; each number ends at one more than [`MOST_WAITING`].
/// Counted over one index, so that it is true whoever holds and frees orders meanwhile, without a counter that all of
/// them would queue for.
///
/// # Errors
///
/// The database's.
pub fn count_waiting(
    conn: &mut DbConnection,
    channel: ChannelId,
    variants: &[&str],
) -> Result<HashMap<String, i64>, DbError> {
    if variants.is_empty() {
        return Ok(HashMap::new());
    }
    let (kind, most) = (HoldKind::Unmapped, MOST_WAITING + 1);
    let count = format!(
        "SELECT count(*) FROM (SELECT 1 FROM holds WHERE channel_id = {channel} AND kind = '{kind}' \
           AND cause = w.value AND released_at IS NULL LIMIT {most}) counted"
    );
    let found: Vec<Waiting> = match conn {
        DbConnection::Postgres(c) => diesel::sql_query(format!(
            "SELECT w.value AS cause, ({count}) AS n FROM unnest($1) AS w (value)"
        ))
        .bind::<Array<Text>, _>(variants.to_vec())
        .prepared()
        .load(c),
        DbConnection::Sqlite(c) => diesel::sql_query(format!(
            "SELECT w.value AS cause, ({count}) AS n FROM json_each(?) w"
        ))
        .bind::<Text, _>(serde_json::to_string(variants).unwrap_or_default())
        .prepared()
        .load(c),
    }?;
    let waiting = found.into_iter().filter(|row| row.n > 0);
    Ok(waiting.map(|row| (row.cause, row.n)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::db::Db;

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// How SQLite would go about it.
    fn plan(text: &str) -> String {
        let db = Db::open("sqlite::memory:", 1).expect("a database");
        db.migrate().expect("the tables");
        let text = format!("EXPLAIN QUERY PLAN {text}");
        let steps = db.read_here(|conn| -> Result<Vec<Step>, DbError> {
            Ok(native!(conn, |c| diesel::sql_query(&text).load(c))?)
        });
        let steps = steps.expect("a plan").into_iter().map(|step| step.detail);
        steps.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_stands_around_the_list_is_a_walk_along_an_index() {
        for view in [View::Unmapped, View::Mapped, View::Ignored] {
            let plan = plan(&count_text(ShopId(1), view, 10));
            let walk = "COVERING INDEX shopify_variants_state (shop_id=? AND state=?)";
            assert!(plan.contains(walk), "{plan}");
        }
        let conflicts = plan(&count_text(ShopId(1), View::Conflicts, 10));
        assert!(
            conflicts.contains("shopify_variants_question"),
            "{conflicts}"
        );
        let blocking = plan(&blocking_text(ChannelId(1), 10));
        let walk = "INDEX holds_latest (channel_id=? AND kind=?)";
        assert!(blocking.contains(walk), "{blocking}");
    }

    #[test]
    fn a_page_begins_in_the_index_where_the_one_before_ended() {
        let sold = "SELECT * FROM shopify_variants WHERE state = 'unmapped' AND deleted_at IS NULL AND shop_id = 1";
        let page = plan(&format!(
            "{sold} AND product_title >= 'm' AND (product_title > 'm' OR id > 7) \
              ORDER BY product_title, id LIMIT 51"
        ));
        let walk = "INDEX shopify_variants_list (state=? AND shop_id=? AND product_title>?)";
        assert!(page.contains(walk) && !page.contains("TEMP"), "{page}");
        // What is known by its ids is not looked for among all that share a state.
        let few = plan(&format!("{sold} AND external_id IN ('1', '2')"));
        assert!(few.contains("(shop_id=? AND external_id=?)"), "{few}");
    }
}

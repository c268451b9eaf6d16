//! Keys of rows: one type per table, so that an order's id cannot stand for a product's.
use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;
use diesel::{AsExpression, FromSqlRow, backend::Backend};

/// A newtype over a BIGINT column that reads and writes itself on both databases.
#[macro_export]
macro_rules! bigint_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow,
            serde::Serialize, serde::Deserialize,
        )]
        #[diesel(sql_type = BigInt)]
        pub struct $name(pub i64);

        impl<DB: Backend> FromSql<BigInt, DB> for $name
        where
            i64: FromSql<BigInt, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                i64::from_sql(bytes).map(Self)
            }
        }

        impl<DB: Backend> ToSql<BigInt, DB> for $name
        where
            i64: ToSql<BigInt, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.0.to_sql(out)
            }
        }
    };
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            bigint_type! { $(#[$doc])* $name }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $name {
                type Err = std::num::ParseIntError;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    text.parse().map(Self)
                }
            }
        )*
    };
}

ids! {
    /// Key of a row in `accounts`.
    AccountId,
    /// Key of a row in `channels`.
    ChannelId,
    /// Key of a row in `contacts`.
    ContactId,
    /// Key of a row in `contact_merges`.
    ContactMergeId,
    /// Key of a row in `deliveries`.
    DeliveryId,
    /// Key of a row in `webhook_events`.
    EventId,
    /// Key of a row in `jobs`.
    JobId,
    /// Key of a row in `locations`.
    LocationId,
    /// Key of a row in `lots`.
    LotId,
    /// Key of a row in `shopify_product_mappings`.
    MappingId,
    /// Key of a row in `orders`.
    OrderId,
    /// Key of a row in `shopify_mapping_imports`.
    MappingImportId,
    /// Key of a row in `order_lines`.
    OrderLineId,
    /// Key of a row in `products`.
    ProductId,
    /// Key of a row in `saved_views`.
    SavedViewId,
    /// Key of a row in `refunds`.
    RefundId,
    /// Key of a row in `returns`.
    ReturnId,
    /// Key of a row in `sellers`.
    SellerId,
    /// Key of a row in `shipments`.
    ShipmentId,
    /// Key of a row in `shopify_shops`.
    ShopId,
    /// Key of a row in `stock_documents`.
    StockDocumentId,
    /// Key of a row in `stock_document_lines`.
    StockLineId,
    /// Key of a row in `sync_runs`.
    SyncRunId,
    /// Key of a row in `users`.
    UserId,
    /// Key of a row in `shopify_variants`.
    VariantId,
}

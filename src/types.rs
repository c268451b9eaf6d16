//! Value types every room may use; this room imports no other.

pub mod at;
pub mod exact;
pub mod field;
pub mod id;
pub mod money;
pub mod text_enum;

pub use at::At;
pub use exact::{Dual, Exact};
pub use field::Field;
pub use id::{
    AccountId, ChannelId, ContactId, ContactMergeId, DeliveryId, EventId, JobId, LocationId, LotId,
    MappingId, MappingImportId, OrderId, OrderLineId, ProductId, RefundId, ReturnId, SavedViewId,
    SellerId, ShipmentId, ShopId, StockDocumentId, StockLineId, SyncRunId, UserId, VariantId,
};
pub use money::{Currency, Money, MoneyError, UnitPrice};

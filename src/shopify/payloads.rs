//! Webhook bodies as Shopify spells them (REST shape). Every key may be missing or null except what
//! tells one shape from another; keys we do not know are left alone.
use crate::types::Field;

pub mod values;

pub use values::{Amount, Anything, Id, Moment, Rate};

use values::{field_flag, field_words, flag, place, whole, words};

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, serde::Deserialize)]
            #[serde(default)]
            pub struct $name { $($(#[$note])* pub $field: $type),+ }
        )+
    };
}

payloads! {
    /// `orders/*` but for `orders/edited` and `orders/delete`.
    Order {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        /// An order has none: it tells fulfilments, refunds and draft orders apart.
        order_id: Field<Anything>,
        #[serde(deserialize_with = "field_words")]
        name: Field<String>,
        created_at: Field<Moment>,
        updated_at: Option<Moment>,
        processed_at: Field<Moment>,
        cancelled_at: Field<Moment>,
        cancel_reason: Field<String>,
        #[serde(deserialize_with = "field_flag")]
        test: Field<bool>,
        currency: Option<String>,
        presentment_currency: Option<String>,
        financial_status: Field<String>,
        fulfillment_status: Field<String>,
        #[serde(deserialize_with = "field_flag")]
        taxes_included: Field<bool>,
        #[serde(deserialize_with = "field_flag")]
        duties_included: Field<bool>,
        #[serde(deserialize_with = "field_flag")]
        tax_exempt: Field<bool>,
        subtotal_price: Field<Amount>,
        subtotal_price_set: Field<MoneySet>,
        total_discounts: Field<Amount>,
        total_discounts_set: Field<MoneySet>,
        total_shipping_price_set: Field<MoneySet>,
        original_total_duties_set: Field<MoneySet>,
        original_total_additional_fees_set: Field<MoneySet>,
        total_tax: Field<Amount>,
        total_tax_set: Field<MoneySet>,
        total_price: Field<Amount>,
        total_price_set: Field<MoneySet>,
        current_subtotal_price: Field<Amount>,
        current_subtotal_price_set: Field<MoneySet>,
        current_total_discounts: Field<Amount>,
        current_total_discounts_set: Field<MoneySet>,
        current_shipping_price_set: Field<MoneySet>,
        current_total_duties_set: Field<MoneySet>,
        current_total_additional_fees_set: Field<MoneySet>,
        current_total_tax: Field<Amount>,
        current_total_tax_set: Field<MoneySet>,
        current_total_price: Field<Amount>,
        current_total_price_set: Field<MoneySet>,
        total_outstanding: Field<Amount>,
        total_tip_received: Field<Amount>,
        total_cash_rounding_payment_adjustment_set: Field<MoneySet>,
        #[serde(deserialize_with = "field_words")]
        email: Field<String>,
        #[serde(deserialize_with = "field_words")]
        contact_email: Field<String>,
        #[serde(deserialize_with = "field_words")]
        phone: Field<String>,
        #[serde(deserialize_with = "field_words")]
        note: Field<String>,
        note_attributes: Field<Vec<Attribute>>,
        #[serde(deserialize_with = "field_words")]
        tags: Field<String>,
        payment_gateway_names: Field<Vec<String>>,
        payment_terms: Field<PaymentTerms>,
        company: Field<Company>,
        #[serde(deserialize_with = "field_words")]
        po_number: Field<String>,
        #[serde(deserialize_with = "field_words")]
        confirmation_number: Field<String>,
        #[serde(deserialize_with = "field_words")]
        customer_locale: Field<String>,
        #[serde(deserialize_with = "field_words")]
        source_name: Field<String>,
        location_id: Field<Id>,
        merchant_of_record_app_id: Field<Id>,
        customer: Field<Customer>,
        billing_address: Field<Address>,
        shipping_address: Field<Address>,
        line_items: Field<Vec<Line>>,
        line_item_groups: Option<Vec<LineGroup>>,
        shipping_lines: Field<Vec<ShippingLine>>,
        tax_lines: Field<Vec<TaxLine>>,
        discount_applications: Option<Vec<DiscountApplication>>,
        fulfillments: Option<Vec<Fulfillment>>,
        refunds: Field<Vec<Refund>>,
        shop_domain: Option<String>,
        myshopify_domain: Option<String>,
    }
    /// The same amount in the shop's currency and in the customer's.
    MoneySet {
        shop_money: Option<MoneyValue>,
        presentment_money: Option<MoneyValue>,
    }
    MoneyValue { amount: Option<Amount>, currency_code: Option<String> }
    Attribute { name: Anything, value: Anything }
    Customer {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        email: Option<String>,
        #[serde(deserialize_with = "words")]
        first_name: Option<String>,
        #[serde(deserialize_with = "words")]
        last_name: Option<String>,
        #[serde(deserialize_with = "words")]
        phone: Option<String>,
        updated_at: Option<Moment>,
        default_address: Option<Address>,
        /// In the customer's own message alone.
        addresses: Option<Vec<Address>>,
        #[serde(deserialize_with = "words")]
        note: Option<String>,
        /// Of older versions.
        #[serde(deserialize_with = "words")]
        tags: Option<String>,
        email_marketing_consent: Option<MarketingConsent>,
        sms_marketing_consent: Option<MarketingConsent>,
    }
    MarketingConsent {
        #[serde(deserialize_with = "words")]
        state: Option<String>,
        #[serde(deserialize_with = "words")]
        opt_in_level: Option<String>,
        consent_updated_at: Option<Moment>,
    }
    Address {
        id: Option<Anything>,
        #[serde(deserialize_with = "flag")]
        default: Option<bool>,
        #[serde(deserialize_with = "words")]
        first_name: Option<String>,
        #[serde(deserialize_with = "words")]
        last_name: Option<String>,
        #[serde(deserialize_with = "words")]
        name: Option<String>,
        #[serde(deserialize_with = "words")]
        company: Option<String>,
        #[serde(deserialize_with = "words")]
        address1: Option<String>,
        #[serde(deserialize_with = "words")]
        address2: Option<String>,
        #[serde(deserialize_with = "words")]
        zip: Option<String>,
        #[serde(deserialize_with = "words")]
        city: Option<String>,
        #[serde(deserialize_with = "words")]
        province: Option<String>,
        #[serde(deserialize_with = "words")]
        province_code: Option<String>,
        country: Option<String>,
        country_code: Option<String>,
        #[serde(deserialize_with = "words")]
        phone: Option<String>,
    }
    Line {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        variant_id: Option<Id>,
        product_id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        name: Option<String>,
        #[serde(deserialize_with = "words")]
        variant_title: Option<String>,
        #[serde(deserialize_with = "words")]
        sku: Option<String>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
        #[serde(deserialize_with = "whole")]
        current_quantity: Option<i64>,
        price: Option<Amount>,
        price_set: Option<MoneySet>,
        #[serde(deserialize_with = "words")]
        vendor: Option<String>,
        #[serde(deserialize_with = "whole")]
        grams: Option<i64>,
        #[serde(deserialize_with = "flag")]
        taxable: Option<bool>,
        #[serde(deserialize_with = "flag")]
        requires_shipping: Option<bool>,
        #[serde(deserialize_with = "flag")]
        gift_card: Option<bool>,
        tip: Option<Anything>,
        discount_allocations: Option<Vec<Allocation>>,
        total_discount: Option<Amount>,
        total_discount_set: Option<MoneySet>,
        tax_lines: Option<Vec<TaxLine>>,
        duties: Option<Vec<Duty>>,
        properties: Option<Vec<Attribute>>,
        sales_line_item_group_id: Option<Anything>,
    }
    /// A bundle, whose components are lines.
    LineGroup {
        id: Option<Anything>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
    }
    /// It carries its amount in itself, as a set would.
    Duty {
        id: Option<Anything>,
        #[serde(deserialize_with = "words")]
        harmonized_system_code: Option<String>,
        country_code_of_origin: Option<String>,
        shop_money: Option<MoneyValue>,
        presentment_money: Option<MoneyValue>,
        price_set: Option<MoneySet>,
        tax_lines: Option<Vec<TaxLine>>,
    }
    Allocation {
        amount: Option<Amount>,
        amount_set: Option<MoneySet>,
        #[serde(deserialize_with = "place")]
        discount_application_index: Option<usize>,
    }
    TaxLine {
        title: Option<String>,
        price: Option<Amount>,
        price_set: Option<MoneySet>,
        rate: Option<Rate>,
        #[serde(deserialize_with = "flag")]
        channel_liable: Option<bool>,
    }
    ShippingLine {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        code: Option<String>,
        price: Option<Amount>,
        price_set: Option<MoneySet>,
        #[serde(deserialize_with = "flag")]
        is_removed: Option<bool>,
        tax_lines: Option<Vec<TaxLine>>,
        discount_allocations: Option<Vec<Allocation>>,
    }
    DiscountApplication {
        r#type: Option<String>,
        code: Option<String>,
        title: Option<String>,
        description: Option<String>,
        target_type: Option<String>,
        value: Option<Rate>,
        value_type: Option<String>,
    }
    /// Times are words here: the documented sample says `"null"` where nothing was paid.
    PaymentTerms {
        payment_terms_type: Option<String>,
        #[serde(deserialize_with = "whole")]
        due_in_days: Option<i64>,
        payment_schedules: Option<Vec<PaymentSchedule>>,
    }
    PaymentSchedule { due_at: Option<Anything>, completed_at: Option<Anything> }
    Company {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        name: Option<String>,
        location_id: Option<Id>,
        #[serde(deserialize_with = "words")]
        location_name: Option<String>,
        contact_id: Option<Id>,
    }
    /// One of an order's fulfilments, or the body of `fulfillments/*`.
    Fulfillment {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        order_id: Option<Id>,
        status: Option<String>,
        /// How far the parcel is: `delivered`.
        shipment_status: Option<String>,
        created_at: Option<Moment>,
        updated_at: Option<Moment>,
        location_id: Option<Id>,
        #[serde(deserialize_with = "words")]
        tracking_company: Option<String>,
        tracking_numbers: Option<Vec<Anything>>,
        #[serde(deserialize_with = "words")]
        tracking_url: Option<String>,
        line_items: Option<Vec<FulfilledLine>>,
    }
    FulfilledLine {
        id: Option<Id>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
    }
    /// One of an order's refunds, or the body of `refunds/create`.
    Refund {
        id: Option<Id>,
        order_id: Option<Id>,
        created_at: Option<Moment>,
        processed_at: Option<Moment>,
        #[serde(deserialize_with = "words")]
        note: Option<String>,
        user_id: Option<Id>,
        r#return: Option<ReturnId>,
        total_duties_set: Option<MoneySet>,
        total_additional_fees_set: Option<MoneySet>,
        order_adjustments: Option<Vec<OrderAdjustment>>,
        refund_shipping_lines: Option<Vec<RefundShippingLine>>,
        refund_line_items: Option<Vec<RefundLine>>,
        transactions: Option<Vec<RefundTransaction>>,
    }
    ReturnId { id: Option<Id> }
    /// `returns/*`: which return it is; the rest is asked of the API.
    Return { id: Option<Id>, line_items: Option<Anything>, refund_line_items: Option<Anything> }
    OrderAdjustment {
        id: Option<Id>,
        kind: Option<String>,
        reason: Option<String>,
        amount_set: Option<MoneySet>,
        tax_amount_set: Option<MoneySet>,
    }
    RefundShippingLine {
        id: Option<Id>,
        subtotal_amount_set: Option<MoneySet>,
        tax_amount_set: Option<MoneySet>,
    }
    /// `subtotal` and `total_tax` are floats and stay unread.
    RefundLine {
        id: Option<Id>,
        line_item_id: Option<Id>,
        #[serde(deserialize_with = "whole")]
        quantity: Option<i64>,
        location_id: Option<Id>,
        restock_type: Option<String>,
        subtotal_set: Option<MoneySet>,
        total_tax_set: Option<MoneySet>,
    }
    RefundTransaction {
        id: Option<Id>,
        parent_id: Option<Id>,
        kind: Option<String>,
        gateway: Option<String>,
        status: Option<String>,
        amount: Option<Amount>,
        currency: Option<String>,
        processed_at: Option<Moment>,
    }
    /// `orders/delete` and its like: an id and nothing of what it was. `customers/delete` adds empty fields.
    Deleted {
        id: Option<Id>,
        created_at: Option<Anything>,
        line_items: Option<Anything>,
        variants: Option<Anything>,
        order_id: Option<Anything>,
    }
    /// What a refund, a fulfilment, an edit and a risk have in common.
    OfOrder {
        order_id: Option<Id>,
        admin_graphql_api_order_id: Option<String>,
        order_edit: Option<Edit>,
        line_items: Option<Anything>,
    }
    Edit { order_id: Option<Id> }
    /// `order_transactions/create`
    Transaction {
        id: Option<Id>,
        order_id: Option<Id>,
        parent_id: Option<Id>,
        kind: Option<String>,
        #[serde(deserialize_with = "words")]
        gateway: Option<String>,
        status: Option<String>,
        amount: Option<Amount>,
        currency: Option<String>,
        error_code: Option<String>,
        #[serde(deserialize_with = "flag")]
        manual_payment_gateway: Option<bool>,
        #[serde(deserialize_with = "flag")]
        test: Option<bool>,
        created_at: Option<Moment>,
        processed_at: Option<Moment>,
    }
    /// `inventory_levels/update`
    StockLevel {
        inventory_item_id: Option<Id>,
        location_id: Option<Id>,
        /// Null or missing: it is not tracked.
        #[serde(deserialize_with = "whole")]
        available: Option<i64>,
    }
    /// `products/create` and `products/update`
    Product {
        id: Option<Id>,
        admin_graphql_api_id: Option<String>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        updated_at: Option<Moment>,
        line_items: Option<Anything>,
        variants: Option<Vec<Variant>>,
        variant_gids: Option<Vec<VariantGid>>,
        image: Option<Image>,
        images: Option<Vec<Image>>,
        media: Option<Vec<Media>>,
    }
    Image {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        src: Option<String>,
    }
    /// A picture, a video, a model: each has a picture of itself.
    Media { preview_image: Option<Image> }
    Variant {
        id: Option<Id>,
        #[serde(deserialize_with = "words")]
        title: Option<String>,
        #[serde(deserialize_with = "words")]
        sku: Option<String>,
        #[serde(deserialize_with = "words")]
        barcode: Option<String>,
        price: Option<Amount>,
        inventory_item_id: Option<Id>,
        image_id: Option<Id>,
        updated_at: Option<Moment>,
    }
    VariantGid { admin_graphql_api_id: Option<String> }
    /// `bulk_operations/finish`
    BulkOperation { admin_graphql_api_id: Option<String> }
    /// Any object.
    Nothing { id: Option<Anything> }
}

//! Table shapes; both databases share them. A test compares them with the migrated databases.

diesel::table! {
    settings (name) {
        name -> Text,
        value -> Text,
        changed_at -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        public_id -> Text,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Text,
        active -> Bool,
        time_zone -> Text,
        theme -> Text,
        density -> Text,
        keys_on -> Bool,
        created_at -> BigInt,
        signed_in_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        address -> Text,
        agent -> Text,
        flash -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_failures (id) {
        id -> BigInt,
        subject -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        name -> Text,
        token_hash -> Text,
        scope -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    saved_views (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        query -> Text,
        shared -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> BigInt,
        user_id -> Nullable<BigInt>,
        kind -> Text,
        subject -> Text,
        arguments -> Text,
    }
}

diesel::table! {
    queues (name) {
        name -> Text,
    }
}

diesel::table! {
    pauses (cause) {
        cause -> Text,
        shop_domain -> Nullable<Text>,
        reason -> Nullable<Text>,
        paused_at -> BigInt,
        paused_by -> Nullable<BigInt>,
        resumed_at -> Nullable<BigInt>,
        settled -> Bool,
    }
}

diesel::table! {
    workers (boot) {
        boot -> Text,
        host -> Text,
        pid -> BigInt,
        started_at -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    webhook_events (id) {
        id -> BigInt,
        source -> Text,
        shop_domain -> Text,
        webhook_id -> Text,
        event_id -> Nullable<Text>,
        topic -> Text,
        api_version -> Nullable<Text>,
        key -> Nullable<Text>,
        snapshot -> Bool,
        ver -> BigInt,
        triggered_at -> Nullable<BigInt>,
        received_at -> BigInt,
        secret_label -> Text,
        headers -> Text,
        body -> Binary,
        status -> SmallInt,
        due_at -> BigInt,
        claim_no -> BigInt,
        attempts -> Integer,
        crashes -> Integer,
        locked_by -> Nullable<Text>,
        locked_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        waits_for -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
        body_encoding -> SmallInt,
        body_dropped_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        dedupe_key -> Nullable<Text>,
        shop_domain -> Nullable<Text>,
        subject -> Nullable<Text>,
        key -> Nullable<Text>,
        snapshot -> Bool,
        ver -> BigInt,
        payload -> Text,
        progress -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Nullable<BigInt>,
        webhook_id -> Nullable<Text>,
        status -> SmallInt,
        due_at -> BigInt,
        claim_no -> BigInt,
        attempts -> Integer,
        crashes -> Integer,
        locked_by -> Nullable<Text>,
        locked_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        waits_for -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    tries (id) {
        id -> BigInt,
        queue -> Text,
        row_id -> BigInt,
        at -> BigInt,
        micros -> BigInt,
        outcome -> Text,
        reason -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    discards (id) {
        id -> BigInt,
        queue -> Text,
        row_id -> BigInt,
        at -> BigInt,
        status -> SmallInt,
        reason -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    alerts (id) {
        id -> BigInt,
        kind -> Text,
        subject -> Text,
        cause -> Text,
        opened_at -> BigInt,
        resolved_at -> Nullable<BigInt>,
        told_at -> Nullable<BigInt>,
        end_told_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    rejected_webhooks (id) {
        id -> BigInt,
        at -> BigInt,
        address -> Text,
        topic -> Text,
        shop_domain -> Text,
        reason -> Text,
    }
}

diesel::table! {
    sellers (id) {
        id -> BigInt,
        name -> Text,
        time_zone -> Text,
    }
}

diesel::table! {
    channels (id) {
        id -> BigInt,
        seller_id -> BigInt,
        kind -> Text,
        name -> Text,
        time_zone -> Text,
        delivery_rule -> Text,
        delivery_methods -> Text,
    }
}

diesel::table! {
    products (id) {
        id -> BigInt,
        sku -> Text,
        sku_normal -> Text,
        name -> Text,
        barcode -> Nullable<Text>,
        unit -> Text,
        weight_grams -> Nullable<BigInt>,
        tracking -> Text,
        ships -> Bool,
        hs_code -> Nullable<Text>,
        origin -> Nullable<Text>,
        active -> Bool,
        created_at -> BigInt,
        barcode_normal -> Nullable<Text>,
    }
}

diesel::table! {
    product_terms (id) {
        id -> BigInt,
        product_id -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    locations (id) {
        id -> BigInt,
        name -> Text,
        address1 -> Nullable<Text>,
        city -> Nullable<Text>,
        zip -> Nullable<Text>,
        province_code -> Nullable<Text>,
        country_code -> Nullable<Text>,
        active -> Bool,
    }
}

diesel::table! {
    lots (id) {
        id -> BigInt,
        product_id -> BigInt,
        code -> Text,
        code_normal -> Text,
        best_before -> Nullable<Text>,
        state -> Text,
        note -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    lot_uses (id) {
        id -> BigInt,
        lot_id -> BigInt,
        order_line_id -> BigInt,
        quantity -> BigInt,
        source -> Text,
        at -> BigInt,
        undone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    stock_documents (id) {
        id -> BigInt,
        kind -> Text,
        number -> BigInt,
        state -> Text,
        location_id -> BigInt,
        other_location_id -> Nullable<BigInt>,
        reference -> Nullable<Text>,
        expected_on -> Nullable<Text>,
        note -> Nullable<Text>,
        blind -> Bool,
        whole -> Bool,
        version -> BigInt,
        pieces -> BigInt,
        arrived -> BigInt,
        bookings -> BigInt,
        created_at -> BigInt,
        created_by -> Nullable<BigInt>,
        changed_at -> BigInt,
        sent_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        ended_by -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    stock_document_lines (id) {
        id -> BigInt,
        document_id -> BigInt,
        product_id -> BigInt,
        lot_id -> Nullable<BigInt>,
        level_id -> Nullable<BigInt>,
        quantity -> BigInt,
        done -> BigInt,
        pending -> BigInt,
        counted -> Nullable<BigInt>,
        seen -> Nullable<BigInt>,
        counted_at -> Nullable<BigInt>,
        counted_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    stock_bookings (id) {
        id -> BigInt,
        document_id -> BigInt,
        booking -> BigInt,
        line_id -> BigInt,
        location_id -> BigInt,
        lot_id -> Nullable<BigInt>,
        quantity -> BigInt,
        reason -> Text,
        at -> BigInt,
        user_id -> Nullable<BigInt>,
        undone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    stock_document_numbers (kind) {
        kind -> Text,
        last -> BigInt,
    }
}

diesel::table! {
    stock_levels (id) {
        id -> BigInt,
        product_id -> BigInt,
        location_id -> BigInt,
        on_hand -> BigInt,
        reserved -> BigInt,
        lot_id -> Nullable<BigInt>,
        expires -> Nullable<Text>,
        barred -> Bool,
    }
}

diesel::table! {
    stock_movements (id) {
        id -> BigInt,
        product_id -> BigInt,
        location_id -> BigInt,
        quantity -> BigInt,
        balance -> BigInt,
        reason -> Text,
        source -> Text,
        user_id -> Nullable<BigInt>,
        at -> BigInt,
        lot_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        public_id -> Text,
        name -> Text,
        created_at -> BigInt,
        kind -> Text,
    }
}

diesel::table! {
    contacts (id) {
        id -> BigInt,
        public_id -> Text,
        account_id -> BigInt,
        first_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        email -> Nullable<Text>,
        email_normal -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_normal -> Nullable<Text>,
        created_at -> BigInt,
        channel_id -> Nullable<BigInt>,
        note -> Nullable<Text>,
        tags -> Nullable<Text>,
        locale -> Nullable<Text>,
        email_consent -> Nullable<Text>,
        email_consent_level -> Nullable<Text>,
        email_consent_at -> Nullable<BigInt>,
        sms_consent -> Nullable<Text>,
        sms_consent_level -> Nullable<Text>,
        sms_consent_at -> Nullable<BigInt>,
        name_zip -> Nullable<Text>,
        merged_into -> Nullable<BigInt>,
    }
}

diesel::table! {
    contact_terms (id) {
        id -> BigInt,
        contact_id -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    contact_addresses (id) {
        id -> BigInt,
        contact_id -> BigInt,
        external_id -> Text,
        is_default -> Bool,
        address -> Text,
    }
}

diesel::table! {
    account_locations (id) {
        id -> BigInt,
        account_id -> BigInt,
        external_id -> Text,
        name -> Text,
        phone -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    contact_merges (id) {
        id -> BigInt,
        kept_id -> BigInt,
        gone_id -> BigInt,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        orders -> BigInt,
        merged_at -> BigInt,
        merged_by -> Nullable<BigInt>,
        undone_at -> Nullable<BigInt>,
        undone_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    contact_merge_orders (id) {
        id -> BigInt,
        merge_id -> BigInt,
        order_id -> BigInt,
    }
}

diesel::table! {
    contacts_apart (id) {
        id -> BigInt,
        older_id -> BigInt,
        newer_id -> BigInt,
        said_at -> BigInt,
        said_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    orders (id) {
        id -> BigInt,
        public_id -> Text,
        channel_id -> BigInt,
        external_id -> Text,
        number -> Text,
        name -> Text,
        version -> BigInt,
        source_updated_at -> BigInt,
        source_triggered_at -> BigInt,
        source_digest -> Text,
        contact_id -> Nullable<BigInt>,
        customer_name -> Nullable<Text>,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        billing_address -> Nullable<Text>,
        shipping_address -> Nullable<Text>,
        ship_city -> Nullable<Text>,
        currency -> Text,
        presentment_currency -> Text,
        taxes_included -> Bool,
        subtotal_minor -> BigInt,
        discount_minor -> BigInt,
        shipping_minor -> BigInt,
        tax_minor -> BigInt,
        total_minor -> BigInt,
        presentment_total_minor -> BigInt,
        current_total_minor -> BigInt,
        outstanding_minor -> Nullable<BigInt>,
        added_total_minor -> BigInt,
        totals_check -> Text,
        payment_state -> Text,
        work_state -> Text,
        short_quantity -> BigInt,
        fulfilled_at_source -> Bool,
        shipping_method -> Nullable<Text>,
        items_summary -> Text,
        item_count -> BigInt,
        note -> Nullable<Text>,
        attributes -> Nullable<Text>,
        tags -> Nullable<Text>,
        gateways -> Nullable<Text>,
        test -> Bool,
        placed_at -> BigInt,
        promised_at -> Nullable<BigInt>,
        cancelled_at -> Nullable<BigInt>,
        cancel_reason -> Nullable<Text>,
        deleted_at_source -> Nullable<BigInt>,
        received_at -> BigInt,
        changed_at -> BigInt,
        flags -> Nullable<Text>,
    }
}

diesel::table! {
    order_sources (id) {
        id -> BigInt,
        order_id -> BigInt,
        shape -> Text,
        api_version -> Text,
        translator_version -> Integer,
        event_id -> Nullable<BigInt>,
        body -> Binary,
        received_at -> BigInt,
    }
}

diesel::table! {
    order_terms (id) {
        id -> BigInt,
        order_id -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    order_tombstones (id) {
        id -> BigInt,
        channel_id -> BigInt,
        external_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    order_lines (id) {
        id -> BigInt,
        order_id -> BigInt,
        external_id -> Text,
        position -> Integer,
        variant_external_id -> Nullable<Text>,
        product_external_id -> Nullable<Text>,
        resolution -> Text,
        title -> Text,
        variant_title -> Nullable<Text>,
        sku -> Nullable<Text>,
        quantity -> BigInt,
        current_quantity -> BigInt,
        fulfilled_elsewhere -> BigInt,
        shipped_quantity -> BigInt,
        unit_price_scaled -> BigInt,
        discount_minor -> BigInt,
        tax_minor -> BigInt,
        total_minor -> BigInt,
        ships -> Bool,
        gift_card -> Bool,
        tip -> Bool,
        properties -> Nullable<Text>,
        vendor -> Nullable<Text>,
        grams -> Nullable<BigInt>,
        taxable -> Bool,
        presentment_unit_price_scaled -> Nullable<BigInt>,
        presentment_discount_minor -> Nullable<BigInt>,
        presentment_tax_minor -> Nullable<BigInt>,
        presentment_total_minor -> Nullable<BigInt>,
        discounts -> Nullable<Text>,
        taxes -> Nullable<Text>,
        duties -> Nullable<Text>,
        bundle_external_id -> Nullable<Text>,
        bundle_title -> Nullable<Text>,
        bundle_quantity -> Nullable<BigInt>,
        refunded_quantity -> BigInt,
        returned_quantity -> BigInt,
        back_quantity -> BigInt,
        others_quantity -> BigInt,
    }
}

diesel::table! {
    order_checks (order_id) {
        order_id -> BigInt,
        checked_at -> BigInt,
        delivery_method -> Nullable<Text>,
        risk -> Nullable<Text>,
        recommendation -> Nullable<Text>,
        scheduled_for -> Nullable<BigInt>,
        pickup -> Bool,
    }
}

diesel::table! {
    line_places (id) {
        id -> BigInt,
        order_line_id -> BigInt,
        location_id -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    line_products (id) {
        id -> BigInt,
        order_line_id -> BigInt,
        product_id -> BigInt,
        quantity_each -> BigInt,
    }
}

diesel::table! {
    reservations (id) {
        id -> BigInt,
        order_line_id -> BigInt,
        product_id -> BigInt,
        location_id -> BigInt,
        quantity -> BigInt,
        lot_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    order_charges (id) {
        id -> BigInt,
        order_id -> BigInt,
        kind -> Text,
        external_id -> Nullable<Text>,
        title -> Text,
        amount_minor -> BigInt,
        discount_minor -> BigInt,
        code -> Nullable<Text>,
        presentment_amount_minor -> Nullable<BigInt>,
        presentment_discount_minor -> Nullable<BigInt>,
        amount_scaled -> Nullable<BigInt>,
        presentment_amount_scaled -> Nullable<BigInt>,
        discounts -> Nullable<Text>,
        taxes -> Nullable<Text>,
        removed -> Bool,
    }
}

diesel::table! {
    order_taxes (id) {
        id -> BigInt,
        order_id -> BigInt,
        title -> Text,
        rate -> Text,
        amount_minor -> BigInt,
        presentment_minor -> Nullable<BigInt>,
        channel_liable -> Bool,
    }
}

diesel::table! {
    order_discounts (id) {
        id -> BigInt,
        order_id -> BigInt,
        kind -> Text,
        title -> Text,
        amount_minor -> BigInt,
        presentment_minor -> Nullable<BigInt>,
        target -> Nullable<Text>,
        value -> Nullable<Text>,
        value_kind -> Nullable<Text>,
    }
}

diesel::table! {
    order_totals (id) {
        id -> BigInt,
        order_id -> BigInt,
        side -> Text,
        basis -> Text,
        subtotal_minor -> Nullable<BigInt>,
        discount_minor -> Nullable<BigInt>,
        shipping_minor -> Nullable<BigInt>,
        duties_minor -> Nullable<BigInt>,
        fees_minor -> Nullable<BigInt>,
        tax_minor -> Nullable<BigInt>,
        total_minor -> Nullable<BigInt>,
        added_minor -> Nullable<BigInt>,
        added_tax_minor -> Nullable<BigInt>,
        verdict -> Text,
    }
}

diesel::table! {
    order_details (id) {
        id -> BigInt,
        order_id -> BigInt,
        sold_through -> Nullable<Text>,
        location_external_id -> Nullable<Text>,
        confirmation_number -> Nullable<Text>,
        po_number -> Nullable<Text>,
        locale -> Nullable<Text>,
        merchant_of_record -> Nullable<Text>,
        company_external_id -> Nullable<Text>,
        company_name -> Nullable<Text>,
        company_location_external_id -> Nullable<Text>,
        company_location_name -> Nullable<Text>,
        company_contact_external_id -> Nullable<Text>,
        terms_kind -> Nullable<Text>,
        terms_days -> Nullable<BigInt>,
        terms_due_at -> Nullable<BigInt>,
        duties_included -> Nullable<Bool>,
        tax_exempt -> Nullable<Bool>,
    }
}

diesel::table! {
    payments (id) {
        id -> BigInt,
        order_id -> BigInt,
        external_id -> Text,
        parent_external_id -> Nullable<Text>,
        gateway -> Text,
        kind -> Text,
        status -> Text,
        currency -> Text,
        amount_minor -> Nullable<BigInt>,
        presentment_currency -> Text,
        presentment_minor -> Nullable<BigInt>,
        error_code -> Nullable<Text>,
        manual -> Bool,
        test -> Bool,
        processed_at -> Nullable<BigInt>,
        received_at -> BigInt,
    }
}

diesel::table! {
    order_versions (id) {
        id -> BigInt,
        order_id -> BigInt,
        version -> BigInt,
        at -> BigInt,
        difference -> Text,
    }
}

diesel::table! {
    order_edits (id) {
        id -> BigInt,
        order_id -> BigInt,
        version -> BigInt,
        subject -> Text,
        order_line_id -> Nullable<BigInt>,
        before -> Text,
        proposal -> Text,
        state -> Text,
        opened_at -> BigInt,
        decided_at -> Nullable<BigInt>,
        decided_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    order_cancellations (id) {
        id -> BigInt,
        order_id -> BigInt,
        reason -> Text,
        refund -> Bool,
        restock -> Bool,
        notify -> Bool,
        state -> Text,
        asked_at -> BigInt,
        asked_by -> Nullable<BigInt>,
        sent_at -> Nullable<BigInt>,
        job_external_id -> Nullable<Text>,
        answer -> Nullable<Text>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    holds (id) {
        id -> BigInt,
        order_id -> BigInt,
        channel_id -> BigInt,
        kind -> Text,
        cause -> Text,
        note -> Nullable<Text>,
        opened_at -> BigInt,
        opened_by -> Nullable<BigInt>,
        released_at -> Nullable<BigInt>,
        released_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    shipments (id) {
        id -> BigInt,
        public_id -> Text,
        order_id -> BigInt,
        location_id -> BigInt,
        request_id -> Text,
        carrier -> Nullable<Text>,
        tracking_numbers -> Text,
        tracking_url -> Nullable<Text>,
        notify -> Bool,
        state -> Text,
        shipped_at -> BigInt,
        shipped_by -> Nullable<BigInt>,
        undone_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    shipment_lines (id) {
        id -> BigInt,
        shipment_id -> BigInt,
        order_line_id -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    drivers (user_id) {
        user_id -> BigInt,
        phone -> Nullable<Text>,
        vehicle -> Nullable<Text>,
        active -> Bool,
    }
}

diesel::table! {
    deliveries (id) {
        id -> BigInt,
        public_id -> Text,
        order_id -> BigInt,
        part -> Integer,
        channel_id -> BigInt,
        order_name -> Text,
        name -> Nullable<Text>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        address -> Nullable<Text>,
        city -> Nullable<Text>,
        items -> Text,
        note -> Nullable<Text>,
        payment_state -> Text,
        currency -> Text,
        total_minor -> BigInt,
        outstanding_minor -> Nullable<BigInt>,
        state -> Text,
        day -> Text,
        driver_id -> Nullable<BigInt>,
        position -> BigInt,
        reason -> Nullable<Text>,
        closed_by_order -> Bool,
        dropped_off_at -> Nullable<BigInt>,
        shipment_id -> Nullable<BigInt>,
        ship_fault -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    outside_shipments (id) {
        id -> BigInt,
        order_id -> BigInt,
        external_id -> Text,
        state -> Text,
        location_id -> Nullable<BigInt>,
        carrier -> Nullable<Text>,
        tracking_numbers -> Text,
        tracking_url -> Nullable<Text>,
        shipped_at -> BigInt,
        source_updated_at -> BigInt,
    }
}

diesel::table! {
    delivery_lines (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        order_line_id -> BigInt,
        goes_apart -> Bool,
    }
}

diesel::table! {
    delivery_assignments (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        driver_id -> BigInt,
        assigned_at -> BigInt,
        assigned_by -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        ended_by -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    delivery_log (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        order_id -> BigInt,
        at -> BigInt,
        kind -> Text,
        from_state -> Nullable<Text>,
        to_state -> Nullable<Text>,
        arguments -> Text,
        note -> Nullable<Text>,
        user_id -> Nullable<BigInt>,
        source -> Nullable<Text>,
        undone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    refunds (id) {
        id -> BigInt,
        public_id -> Text,
        order_id -> BigInt,
        external_id -> Text,
        return_external_id -> Nullable<Text>,
        currency -> Text,
        presentment_currency -> Text,
        made_at -> BigInt,
        made_by -> Nullable<Text>,
        note -> Nullable<Text>,
        received_at -> BigInt,
    }
}

diesel::table! {
    delivery_photos (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        order_id -> BigInt,
        at -> BigInt,
        user_id -> Nullable<BigInt>,
        media_type -> Text,
        picture -> Binary,
    }
}

diesel::table! {
    refund_lines (id) {
        id -> BigInt,
        refund_id -> BigInt,
        external_id -> Text,
        order_line_id -> Nullable<BigInt>,
        line_external_id -> Text,
        quantity -> BigInt,
        restock -> Text,
        location_external_id -> Nullable<Text>,
        location_id -> Nullable<BigInt>,
        restocked_quantity -> BigInt,
        subtotal_minor -> BigInt,
        tax_minor -> BigInt,
        presentment_subtotal_minor -> BigInt,
        presentment_tax_minor -> BigInt,
    }
}

diesel::table! {
    refund_charges (id) {
        id -> BigInt,
        refund_id -> BigInt,
        kind -> Text,
        external_id -> Text,
        title -> Text,
        amount_minor -> BigInt,
        tax_minor -> BigInt,
        presentment_amount_minor -> BigInt,
        presentment_tax_minor -> BigInt,
    }
}

diesel::table! {
    refund_transactions (id) {
        id -> BigInt,
        refund_id -> BigInt,
        external_id -> Text,
        parent_external_id -> Nullable<Text>,
        gateway -> Text,
        state -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        processed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    returns (id) {
        id -> BigInt,
        public_id -> Text,
        order_id -> BigInt,
        external_id -> Text,
        name -> Text,
        status -> Text,
        decline_reason -> Nullable<Text>,
        decline_note -> Nullable<Text>,
        made_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        changed_at -> BigInt,
    }
}

diesel::table! {
    return_lines (id) {
        id -> BigInt,
        return_id -> BigInt,
        external_id -> Text,
        kind -> Text,
        order_line_id -> Nullable<BigInt>,
        line_external_id -> Text,
        quantity -> BigInt,
        processed_quantity -> BigInt,
        refunded_quantity -> BigInt,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    return_dispositions (id) {
        id -> BigInt,
        return_id -> BigInt,
        external_id -> Text,
        order_line_id -> Nullable<BigInt>,
        kind -> Text,
        quantity -> BigInt,
        location_id -> Nullable<BigInt>,
        restocked_quantity -> BigInt,
    }
}

diesel::table! {
    outside_shipment_lines (id) {
        id -> BigInt,
        outside_shipment_id -> BigInt,
        order_line_id -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    timeline (id) {
        id -> BigInt,
        order_id -> BigInt,
        at -> BigInt,
        kind -> Text,
        arguments -> Text,
        user_id -> Nullable<BigInt>,
        source -> Nullable<Text>,
        micros -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    changes (id) {
        id -> BigInt,
        seq -> Nullable<BigInt>,
        kind -> Text,
        public_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    shopify_shops (id) {
        id -> BigInt,
        public_id -> Text,
        domain -> Text,
        channel_id -> BigInt,
        state -> Text,
        grant_kind -> Text,
        name -> Text,
        currency -> Nullable<Text>,
        time_zone -> Nullable<Text>,
        plan -> Nullable<Text>,
        scopes -> Text,
        missing_scopes -> Text,
        access_token_sealed -> Nullable<Text>,
        access_expires_at -> Nullable<BigInt>,
        refresh_token_sealed -> Nullable<Text>,
        refresh_expires_at -> Nullable<BigInt>,
        refresh_lease -> Nullable<Text>,
        refresh_lease_until -> Nullable<BigInt>,
        client_id -> Nullable<Text>,
        client_secret_sealed -> Nullable<Text>,
        notification_key_sealed -> Nullable<Text>,
        api_version -> Text,
        notify_default -> Bool,
        order_status_filter -> Text,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<BigInt>,
        installed_at -> BigInt,
        uninstalled_at -> Nullable<BigInt>,
        redacted_at -> Nullable<BigInt>,
        budget_available -> Nullable<BigInt>,
        budget_max -> Nullable<BigInt>,
        budget_rate -> Nullable<BigInt>,
        budget_at -> Nullable<BigInt>,
        restock_returns -> Bool,
        check_orders -> Bool,
        tell_holds -> Bool,
        tier -> Nullable<Text>,
        served_version -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_oauth_states (id) {
        id -> BigInt,
        nonce_hash -> Text,
        domain -> Text,
        user_id -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_subscriptions (id) {
        id -> BigInt,
        shop_id -> BigInt,
        topic -> Text,
        gid -> Nullable<Text>,
        uri -> Nullable<Text>,
        state -> Text,
        last_received_at -> Nullable<BigInt>,
        checked_at -> BigInt,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_locations (id) {
        id -> BigInt,
        shop_id -> BigInt,
        external_id -> Text,
        name -> Text,
        active -> Bool,
        location_id -> Nullable<BigInt>,
        stock_master -> Text,
    }
}

diesel::table! {
    shopify_customers (id) {
        id -> BigInt,
        shop_id -> BigInt,
        external_id -> Text,
        contact_id -> BigInt,
        source_updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        profiled_at -> BigInt,
    }
}

diesel::table! {
    shopify_companies (id) {
        id -> BigInt,
        shop_id -> BigInt,
        external_id -> Text,
        account_id -> BigInt,
        source_updated_at -> BigInt,
    }
}

diesel::table! {
    shopify_privacy_requests (id) {
        id -> BigInt,
        shop_id -> BigInt,
        event_id -> BigInt,
        kind -> Text,
        state -> Text,
        customer_external_id -> Nullable<Text>,
        contact_id -> Nullable<BigInt>,
        orders -> Text,
        received_at -> BigInt,
        due_at -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_redactions (id) {
        id -> BigInt,
        shop_id -> BigInt,
        kind -> Text,
        external_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    shopify_variants (id) {
        id -> BigInt,
        shop_id -> BigInt,
        external_id -> Text,
        product_external_id -> Text,
        inventory_item_external_id -> Nullable<Text>,
        product_title -> Text,
        variant_title -> Nullable<Text>,
        sku -> Nullable<Text>,
        sku_normal -> Nullable<Text>,
        barcode -> Nullable<Text>,
        price_minor -> Nullable<BigInt>,
        ships -> Bool,
        weight_grams -> Nullable<BigInt>,
        picture_url -> Nullable<Text>,
        source_updated_at -> BigInt,
        seen_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        ignored_at -> Nullable<BigInt>,
        barcode_normal -> Nullable<Text>,
        question -> Nullable<Text>,
        state -> Text,
    }
}

diesel::table! {
    shopify_variant_terms (id) {
        id -> BigInt,
        shop_id -> BigInt,
        variant_id -> BigInt,
        term -> Text,
    }
}

diesel::table! {
    shopify_pictures (id) {
        id -> BigInt,
        shop_id -> BigInt,
        url -> Text,
        state -> Text,
        attempts -> BigInt,
        changed_at -> BigInt,
        reason -> Nullable<Text>,
        hash -> Nullable<Text>,
        small -> Nullable<Binary>,
        large -> Nullable<Binary>,
    }
}

diesel::table! {
    shopify_product_mappings (id) {
        id -> BigInt,
        shop_id -> BigInt,
        variant_id -> BigInt,
        product_id -> Nullable<BigInt>,
        quantity -> BigInt,
        kind -> Text,
        origin -> Text,
        batch -> Nullable<Text>,
        created_at -> BigInt,
        created_by -> Nullable<BigInt>,
        removed_at -> Nullable<BigInt>,
        removed_by -> Nullable<BigInt>,
        variant_sku -> Nullable<Text>,
        prefix -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_mapping_rules (id) {
        id -> BigInt,
        shop_id -> BigInt,
        sku -> Bool,
        barcode -> Bool,
        prefix -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_mapping_imports (id) {
        id -> BigInt,
        shop_id -> BigInt,
        state -> Text,
        content -> Binary,
        batch -> Text,
        total -> BigInt,
        done -> BigInt,
        mapped -> BigInt,
        unchanged -> BigInt,
        refused -> BigInt,
        orders_freed -> BigInt,
        refusals -> Text,
        created_at -> BigInt,
        created_by -> Nullable<BigInt>,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_fulfillments (id) {
        id -> BigInt,
        shop_id -> BigInt,
        shipment_id -> BigInt,
        order_external_id -> Text,
        fulfillment_gid -> Nullable<Text>,
        state -> Text,
        intent -> Text,
        pre_image -> Nullable<Text>,
        sent_at -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_inventory_settings (shop_id) {
        shop_id -> BigInt,
        is_on -> Bool,
        buffer -> BigInt,
        cap -> Nullable<BigInt>,
        changed_at -> BigInt,
        changed_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_inventory_marks (id) {
        id -> BigInt,
        shop_id -> BigInt,
        kind -> Text,
        product_id -> Nullable<BigInt>,
        location_id -> Nullable<BigInt>,
        item_external_id -> Nullable<Text>,
        place_external_id -> Nullable<Text>,
        available -> Nullable<BigInt>,
        told_at -> Nullable<BigInt>,
        made_at -> BigInt,
        made_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_inventory_levels (id) {
        id -> BigInt,
        shop_id -> BigInt,
        variant_id -> BigInt,
        place_id -> BigInt,
        due_at -> Nullable<BigInt>,
        due_since -> Nullable<BigInt>,
        asked_by -> Nullable<BigInt>,
        must_read -> Bool,
        available -> Nullable<BigInt>,
        known_at -> Nullable<BigInt>,
        on_hand -> Nullable<BigInt>,
        committed -> Nullable<BigInt>,
        tracked -> Nullable<Bool>,
        stocked -> Nullable<Bool>,
        read_at -> Nullable<BigInt>,
        offered -> Nullable<BigInt>,
        pushed -> Nullable<BigInt>,
        pushed_at -> Nullable<BigInt>,
        pushed_by -> Nullable<BigInt>,
        refusal -> Nullable<Text>,
        refused_at -> Nullable<BigInt>,
        differed_at -> Nullable<BigInt>,
        differed_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    shopify_inventory_calls (id) {
        id -> BigInt,
        shop_id -> BigInt,
        idempotency_key -> Text,
        quantities -> Text,
        made_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        request_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
    }
}

diesel::table! {
    shopify_inventory_checks (id) {
        id -> BigInt,
        shop_id -> BigInt,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        started_by -> Nullable<BigInt>,
        mends -> Bool,
        after_place -> BigInt,
        after_variant -> BigInt,
        compared -> BigInt,
        differed -> BigInt,
    }
}

diesel::table! {
    sync_runs (id) {
        id -> BigInt,
        shop_id -> BigInt,
        stream -> Text,
        kind -> Text,
        from_at -> BigInt,
        to_at -> BigInt,
        status -> Text,
        dry_run -> Bool,
        job_id -> Nullable<BigInt>,
        started_by -> Nullable<BigInt>,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        cancel_asked_at -> Nullable<BigInt>,
        state -> Text,
        phase -> Text,
        total -> BigInt,
        done -> BigInt,
        here -> BigInt,
        created -> BigInt,
        updated -> BigInt,
        failed -> BigInt,
        place -> Nullable<Text>,
        result -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    sync_cursors (shop_id, stream) {
        shop_id -> BigInt,
        stream -> Text,
        every_minutes -> BigInt,
        known_from -> BigInt,
        looked_to -> BigInt,
        looked_at -> Nullable<BigInt>,
        failed_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        backup_to -> BigInt,
        backup_at -> Nullable<BigInt>,
        passed_on -> Nullable<Text>,
        pass_from -> Nullable<BigInt>,
    }
}

diesel::table! {
    sync_half_hours (shop_id, stream, half_hour) {
        shop_id -> BigInt,
        stream -> Text,
        half_hour -> BigInt,
        looks -> BigInt,
        gaps -> BigInt,
        failures -> BigInt,
    }
}

diesel::table! {
    sync_gaps (id) {
        id -> BigInt,
        shop_id -> BigInt,
        external_id -> Text,
        kind -> Text,
        name -> Text,
        day -> Text,
        changed_there_at -> BigInt,
        found_at -> BigInt,
        healed_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    reconciliation_days (id) {
        id -> BigInt,
        shop_id -> BigInt,
        day -> Text,
        theirs -> BigInt,
        theirs_digest -> Text,
        ours -> BigInt,
        ours_digest -> Text,
        states -> Text,
        missing -> BigInt,
        outdated -> BigInt,
        gone -> BigInt,
        checked_at -> BigInt,
    }
}

diesel::table! {
    shopify_fulfillment_orders (id) {
        id -> BigInt,
        shop_id -> BigInt,
        order_id -> BigInt,
        external_id -> Text,
        status -> Text,
        request_status -> Text,
        actions -> Text,
        location_external_id -> Nullable<Text>,
        location_name -> Text,
        service -> Bool,
        method -> Nullable<Text>,
        method_name -> Nullable<Text>,
        fulfil_at -> Nullable<BigInt>,
        holds -> Text,
        source_updated_at -> BigInt,
        read_at -> BigInt,
    }
}

diesel::table! {
    shopify_fulfillment_order_lines (id) {
        id -> BigInt,
        fulfillment_order_id -> BigInt,
        external_id -> Text,
        line_external_id -> Text,
        total -> BigInt,
        remaining -> BigInt,
    }
}

diesel::table! {
    shopify_holds (id) {
        id -> BigInt,
        hold_id -> BigInt,
        fulfillment_order_external_id -> Text,
        hold_external_id -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        changed_at -> BigInt,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(saved_views -> users (user_id));
diesel::joinable!(audit_log -> users (user_id));
diesel::joinable!(jobs -> users (created_by));
diesel::joinable!(channels -> sellers (seller_id));
diesel::joinable!(lots -> products (product_id));
diesel::joinable!(lot_uses -> lots (lot_id));
diesel::joinable!(lot_uses -> order_lines (order_line_id));
diesel::joinable!(stock_levels -> lots (lot_id));
diesel::joinable!(stock_document_lines -> stock_documents (document_id));
diesel::joinable!(stock_document_lines -> products (product_id));
diesel::joinable!(stock_document_lines -> lots (lot_id));
diesel::joinable!(stock_bookings -> stock_documents (document_id));
diesel::joinable!(stock_bookings -> stock_document_lines (line_id));
diesel::joinable!(stock_bookings -> users (user_id));
diesel::joinable!(stock_movements -> lots (lot_id));
diesel::joinable!(reservations -> lots (lot_id));
diesel::joinable!(stock_levels -> products (product_id));
diesel::joinable!(stock_levels -> locations (location_id));
diesel::joinable!(stock_movements -> products (product_id));
diesel::joinable!(stock_movements -> locations (location_id));
diesel::joinable!(stock_movements -> users (user_id));
diesel::joinable!(contacts -> accounts (account_id));
diesel::joinable!(contact_terms -> contacts (contact_id));
diesel::joinable!(contact_addresses -> contacts (contact_id));
diesel::joinable!(account_locations -> accounts (account_id));
diesel::joinable!(contact_merge_orders -> contact_merges (merge_id));
diesel::joinable!(contact_merge_orders -> orders (order_id));
diesel::joinable!(shopify_companies -> accounts (account_id));
diesel::joinable!(orders -> channels (channel_id));
diesel::joinable!(orders -> contacts (contact_id));
diesel::joinable!(order_sources -> orders (order_id));
diesel::joinable!(order_terms -> orders (order_id));
diesel::joinable!(product_terms -> products (product_id));
diesel::joinable!(shopify_variant_terms -> shopify_shops (shop_id));
diesel::joinable!(shopify_variant_terms -> shopify_variants (variant_id));
diesel::joinable!(order_tombstones -> channels (channel_id));
diesel::joinable!(order_lines -> orders (order_id));
diesel::joinable!(order_checks -> orders (order_id));
diesel::joinable!(line_places -> order_lines (order_line_id));
diesel::joinable!(line_places -> locations (location_id));
diesel::joinable!(line_products -> order_lines (order_line_id));
diesel::joinable!(line_products -> products (product_id));
diesel::joinable!(reservations -> order_lines (order_line_id));
diesel::joinable!(reservations -> products (product_id));
diesel::joinable!(reservations -> locations (location_id));
diesel::joinable!(order_charges -> orders (order_id));
diesel::joinable!(order_taxes -> orders (order_id));
diesel::joinable!(order_discounts -> orders (order_id));
diesel::joinable!(order_totals -> orders (order_id));
diesel::joinable!(order_details -> orders (order_id));
diesel::joinable!(payments -> orders (order_id));
diesel::joinable!(order_versions -> orders (order_id));
diesel::joinable!(order_edits -> orders (order_id));
diesel::joinable!(order_edits -> users (decided_by));
diesel::joinable!(order_cancellations -> orders (order_id));
diesel::joinable!(holds -> orders (order_id));
diesel::joinable!(shipments -> orders (order_id));
diesel::joinable!(shipments -> locations (location_id));
diesel::joinable!(shipments -> users (shipped_by));
diesel::joinable!(shipment_lines -> shipments (shipment_id));
diesel::joinable!(shipment_lines -> order_lines (order_line_id));
diesel::joinable!(drivers -> users (user_id));
diesel::joinable!(deliveries -> orders (order_id));
diesel::joinable!(deliveries -> channels (channel_id));
diesel::joinable!(deliveries -> users (driver_id));
diesel::joinable!(delivery_lines -> deliveries (delivery_id));
diesel::joinable!(delivery_lines -> order_lines (order_line_id));
diesel::joinable!(delivery_assignments -> users (driver_id));
diesel::joinable!(delivery_log -> users (user_id));
diesel::joinable!(refunds -> orders (order_id));
diesel::joinable!(refund_lines -> refunds (refund_id));
diesel::joinable!(refund_lines -> order_lines (order_line_id));
diesel::joinable!(refund_charges -> refunds (refund_id));
diesel::joinable!(refund_transactions -> refunds (refund_id));
diesel::joinable!(returns -> orders (order_id));
diesel::joinable!(return_lines -> returns (return_id));
diesel::joinable!(return_lines -> order_lines (order_line_id));
diesel::joinable!(return_dispositions -> returns (return_id));
diesel::joinable!(return_dispositions -> order_lines (order_line_id));
diesel::joinable!(outside_shipments -> orders (order_id));
diesel::joinable!(outside_shipments -> locations (location_id));
diesel::joinable!(outside_shipment_lines -> outside_shipments (outside_shipment_id));
diesel::joinable!(outside_shipment_lines -> order_lines (order_line_id));
diesel::joinable!(timeline -> orders (order_id));
diesel::joinable!(timeline -> users (user_id));
diesel::joinable!(shopify_shops -> channels (channel_id));
diesel::joinable!(shopify_oauth_states -> users (user_id));
diesel::joinable!(shopify_subscriptions -> shopify_shops (shop_id));
diesel::joinable!(shopify_locations -> shopify_shops (shop_id));
diesel::joinable!(shopify_locations -> locations (location_id));
diesel::joinable!(shopify_customers -> shopify_shops (shop_id));
diesel::joinable!(shopify_customers -> contacts (contact_id));
diesel::joinable!(shopify_privacy_requests -> shopify_shops (shop_id));
diesel::joinable!(shopify_privacy_requests -> contacts (contact_id));
diesel::joinable!(shopify_redactions -> shopify_shops (shop_id));
diesel::joinable!(shopify_variants -> shopify_shops (shop_id));
diesel::joinable!(shopify_pictures -> shopify_shops (shop_id));
diesel::joinable!(shopify_product_mappings -> shopify_shops (shop_id));
diesel::joinable!(shopify_product_mappings -> shopify_variants (variant_id));
diesel::joinable!(shopify_product_mappings -> products (product_id));
diesel::joinable!(shopify_mapping_rules -> shopify_shops (shop_id));
diesel::joinable!(shopify_mapping_imports -> shopify_shops (shop_id));
diesel::joinable!(shopify_fulfillments -> shopify_shops (shop_id));
diesel::joinable!(shopify_fulfillments -> shipments (shipment_id));
diesel::joinable!(shopify_inventory_settings -> shopify_shops (shop_id));
diesel::joinable!(shopify_inventory_marks -> shopify_shops (shop_id));
diesel::joinable!(shopify_inventory_levels -> shopify_shops (shop_id));
diesel::joinable!(shopify_inventory_levels -> shopify_variants (variant_id));
diesel::joinable!(shopify_inventory_levels -> shopify_locations (place_id));
diesel::joinable!(shopify_inventory_calls -> shopify_shops (shop_id));
diesel::joinable!(shopify_inventory_checks -> shopify_shops (shop_id));
diesel::joinable!(sync_runs -> shopify_shops (shop_id));
diesel::joinable!(sync_cursors -> shopify_shops (shop_id));
diesel::joinable!(sync_half_hours -> shopify_shops (shop_id));
diesel::joinable!(sync_gaps -> shopify_shops (shop_id));
diesel::joinable!(reconciliation_days -> shopify_shops (shop_id));
diesel::joinable!(shopify_holds -> holds (hold_id));
diesel::joinable!(shopify_fulfillment_orders -> shopify_shops (shop_id));
diesel::joinable!(shopify_fulfillment_orders -> orders (order_id));
diesel::joinable!(shopify_fulfillment_order_lines -> shopify_fulfillment_orders (fulfillment_order_id));

diesel::allow_tables_to_appear_in_same_query!(
    alerts,
    settings,
    users,
    sessions,
    sign_in_failures,
    api_tokens,
    saved_views,
    audit_log,
    queues,
    pauses,
    workers,
    webhook_events,
    jobs,
    tries,
    discards,
    rejected_webhooks,
    sellers,
    channels,
    products,
    product_terms,
    locations,
    lots,
    lot_uses,
    stock_bookings,
    stock_document_lines,
    stock_document_numbers,
    stock_documents,
    stock_levels,
    stock_movements,
    accounts,
    account_locations,
    contacts,
    contact_addresses,
    contact_merge_orders,
    contact_merges,
    contact_terms,
    contacts_apart,
    orders,
    order_sources,
    order_terms,
    order_tombstones,
    order_lines,
    order_checks,
    line_places,
    line_products,
    reservations,
    order_charges,
    order_taxes,
    order_discounts,
    order_totals,
    order_details,
    payments,
    order_versions,
    order_edits,
    order_cancellations,
    holds,
    shipments,
    shipment_lines,
    drivers,
    deliveries,
    delivery_lines,
    delivery_assignments,
    delivery_log,
    delivery_photos,
    refunds,
    refund_lines,
    refund_charges,
    refund_transactions,
    returns,
    return_lines,
    return_dispositions,
    outside_shipments,
    outside_shipment_lines,
    timeline,
    changes,
    shopify_shops,
    shopify_oauth_states,
    shopify_subscriptions,
    shopify_locations,
    shopify_companies,
    shopify_customers,
    shopify_privacy_requests,
    shopify_redactions,
    shopify_variants,
    shopify_variant_terms,
    shopify_pictures,
    shopify_product_mappings,
    shopify_mapping_imports,
    shopify_mapping_rules,
    shopify_fulfillments,
    shopify_inventory_settings,
    shopify_inventory_marks,
    shopify_inventory_levels,
    shopify_inventory_calls,
    shopify_inventory_checks,
    sync_runs,
    sync_cursors,
    sync_half_hours,
    sync_gaps,
    reconciliation_days,
    shopify_fulfillment_orders,
    shopify_fulfillment_order_lines,
    shopify_holds,
);

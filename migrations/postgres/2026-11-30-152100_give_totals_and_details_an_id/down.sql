ALTER TABLE order_details DROP COLUMN id;
ALTER TABLE order_details DROP CONSTRAINT order_details_order;
ALTER TABLE order_details ADD CONSTRAINT order_details_pkey PRIMARY KEY (order_id);
ALTER TABLE order_totals DROP COLUMN id;
ALTER TABLE order_totals DROP CONSTRAINT order_totals_side_basis;
ALTER TABLE order_totals ADD CONSTRAINT order_totals_pkey PRIMARY KEY (order_id, side, basis);

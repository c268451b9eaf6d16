DROP INDEX orders_payment;
DROP INDEX orders_channel;
DROP TABLE order_terms;
DROP TABLE saved_views;

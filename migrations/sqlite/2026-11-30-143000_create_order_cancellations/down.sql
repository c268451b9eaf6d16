DROP TABLE order_cancellations;

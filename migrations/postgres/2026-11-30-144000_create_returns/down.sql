ALTER TABLE order_lines DROP COLUMN back_quantity;
DROP TABLE return_dispositions;
DROP TABLE return_lines;
DROP TABLE returns;

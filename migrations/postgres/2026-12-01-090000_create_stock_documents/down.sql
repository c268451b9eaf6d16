DROP INDEX stock_levels_location;
DROP TABLE stock_document_numbers;
DROP TABLE stock_bookings;
DROP TABLE stock_document_lines;
DROP TABLE stock_documents;

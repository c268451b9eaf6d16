//! What files of mappings say, and what is answered to those that say nothing.
use super::*;

fn refused(sheet: &Sheet) -> Vec<(u64, &str)> {
    let refused = sheet.refused.iter();
    refused.map(|one| (one.line, one.reason.as_str())).collect()
}

fn one(sku: &str, pieces: i64) -> Meaning {
    let parts = vec![(sku.to_owned(), pieces)];
    Meaning::Items { kit: false, parts }
}

#[test]
fn lines_say_what_variants_are() {
    let sheet = read(
        "variant id,sku,barcode,title,kind,item sku,quantity\r\n\
         11,S,B,\"Tea, loose\r\nin two lines\",one,TEA,1\r\n\
         12,,,,pack,TEA,6\r\n\
         13,,,,ignored,,\r\n\
         14,,,,kit,TEA,2\r\n\
         15,,,,,,\r\n\
         14,,,,kit,CUP,1\r\n\
         16,,,,,'=CUP,\r\n"
            .as_bytes(),
    )
    .expect("a sheet");
    assert!(sheet.refused.is_empty(), "{:?}", sheet.refused);
    assert_eq!(sheet.silent, 1);
    let said: Vec<(u64, &str, &Meaning)> = sheet
        .said
        .iter()
        .map(|said| (said.line, said.variant.as_str(), &said.meaning))
        .collect();
    let kit = Meaning::Items {
        kit: true,
        parts: vec![("TEA".to_owned(), 2), ("CUP".to_owned(), 1)],
    };
    assert_eq!(
        said,
        [
            (2, "11", &one("TEA", 1)),
            (4, "12", &one("TEA", 6)),
            (5, "13", &Meaning::Ignored),
            (6, "14", &kit),
            (9, "16", &one("=CUP", 1)),
        ]
    );
}

#[test]
fn a_bad_line_is_named_and_the_rest_goes_in() {
    let sheet = read(
        b"item sku;Variant_ID;kind;quantity\n\
          TEA;4.4E+13;;\n\
          TEA;;;\n\
          TEA;=1+1;;\n\
          TEA;21;bundle;\n\
          TEA;22;pack;0\n\
          TEA;23;pack;1.5\n\
          ;24;one;\n\
          TEA;25;ignored;\n\
          TEA;26;one;2\n\
          TEA;27;;\n\
          CUP;27;;\n\
          TEA;28;kit;\n\
          CUP;28;kit;x\n\
          TEA;gid://shopify/ProductVariant/29;;2\n",
    )
    .expect("a sheet");
    assert_eq!(
        refused(&sheet),
        [
            (
                2,
                "4.4E+13 was rounded by a spreadsheet: format the column variant id as text"
            ),
            (3, "the variant id is missing"),
            (4, "=1+1 is not a variant id"),
            (5, "kind is one, pack, kit, ignored or empty, not bundle"),
            (6, "quantity is 1 to 10,000, not 0"),
            (7, "quantity is 1 to 10,000, not 1.5"),
            (8, "the item sku is missing"),
            (9, "an ignored variant has no item sku"),
            (10, "one is 1 piece of an item: several are a pack"),
            (12, "line 11 speaks of this variant already"),
            (13, "line 14 of this kit is refused"),
            (14, "quantity is 1 to 10,000, not x"),
        ]
    );
    let said: Vec<&str> = sheet
        .said
        .iter()
        .map(|said| said.variant.as_str())
        .collect();
    assert_eq!(said, ["27", "29"]);
}

#[test]
fn a_file_that_is_none_is_answered_in_words() {
    let head = "variant id,item sku\n";
    for (file, error) in [
        (b"".to_vec(), TableError::Empty.into()),
        (b"\xff\xfev\0a\0".to_vec(), TableError::Utf16.into()),
        (b"v\0a\0".to_vec(), TableError::NotText.into()),
        (b"PK\x03\x04\0\0".to_vec(), TableError::NotText.into()),
        (
            b"sku,title\nA,B\n".to_vec(),
            SheetError::NoColumn("variant id"),
        ),
        (
            b"variant id\n1\n".to_vec(),
            SheetError::NoColumn("item sku"),
        ),
        (
            b"variant id,item sku,item sku\n".to_vec(),
            TableError::TwoColumns("item sku").into(),
        ),
        (
            [head.as_bytes(), b"1,A\n2,Gr\xfcn\n"].concat(),
            TableError::NotUtf8(3).into(),
        ),
        (
            [head.to_owned(), "1,A\n".repeat(100_001)]
                .concat()
                .into_bytes(),
            SheetError::TooLong,
        ),
    ] {
        assert_eq!(read(&file), Err(error));
    }
    let marked = [
        b"\xef\xbb\xbf".as_slice(),
        head.as_bytes(),
        b"1\tx,A\n7,A\n",
    ]
    .concat();
    let sheet = read(&marked).expect("a byte order mark is no mistake");
    assert_eq!(sheet.said.len(), 1);
    let tabs = read(b"variant id\titem sku\n7\tA,B\n").expect("tabs");
    assert_eq!(tabs.said[0].meaning, one("A,B", 1));
}

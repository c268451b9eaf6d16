//! Every GraphQL document of ours against Shopify's schema.
//! `tests/graphql/trim-schema --check` proves beside it that the schema here is a part of the official one.

use std::fs;
use std::path::{Path, PathBuf};

use apollo_compiler::ast::{Definition, Document, FieldDefinition, InputValueDefinition};
use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};

const FOLDER: &str = "src/shopify/graphql";

#[test]
fn every_document_is_valid_in_shopifys_schema() {
    let schema = schema();
    let documents = documents();
    assert!(
        documents.len() >= 15,
        "documents are missing: {documents:?}"
    );
    for path in documents {
        let text = fs::read_to_string(&path).expect("readable document");
        if let Err(broken) = ExecutableDocument::parse_and_validate(&schema, text, &path) {
            panic!("{}: {}", path.display(), broken.errors);
        }
    }
}

#[test]
fn no_document_uses_what_shopify_is_taking_away() {
    let schema = schema();
    let mut faults = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).expect("readable document");
        let document = ExecutableDocument::parse_and_validate(&schema, text, &path)
            .expect("the other test shows why");
        let mut sets: Vec<&SelectionSet> = Vec::new();
        sets.extend(document.operations.iter().map(|it| &it.selection_set));
        sets.extend(document.fragments.values().map(|it| &it.selection_set));
        for set in sets {
            deprecated_in(set, &mut faults);
        }
    }
    assert!(faults.is_empty(), "deprecated:\n{}", faults.join("\n"));
}

/// One operation a file, and the file is the operation's name in lower case.
#[test]
fn a_document_holds_one_operation_with_a_name() {
    for path in documents() {
        let text = fs::read_to_string(&path).expect("readable document");
        let document = Document::parse(text, &path).expect("parses");
        let names: Vec<_> = document
            .definitions
            .iter()
            .filter_map(Definition::as_operation_definition)
            .map(|operation| operation.name.clone())
            .collect();
        assert!(
            matches!(&names[..], [Some(_)]),
            "{}: {names:?}",
            path.display()
        );
    }
}

/// A closed schema: every type that is named is defined.
#[test]
fn the_trimmed_schema_is_closed() {
    let schema = schema();
    for (name, definition) in &schema.types {
        for named in types_named_by(definition) {
            assert!(schema.types.contains_key(&*named), "{name} names {named}");
        }
    }
}

fn deprecated_in(set: &SelectionSet, faults: &mut Vec<String>) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => {
                let owner = &set.ty;
                if is_deprecated(&field.definition.directives) {
                    faults.push(format!("{owner}.{}", field.name));
                }
                for argument in &field.arguments {
                    let definition = field.definition.argument_by_name(&argument.name);
                    if definition.is_some_and(|it| is_deprecated(&it.directives)) {
                        faults.push(format!("{owner}.{}({}:)", field.name, argument.name));
                    }
                }
                deprecated_in(&field.selection_set, faults);
            }
            Selection::InlineFragment(fragment) => deprecated_in(&fragment.selection_set, faults),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_deprecated(directives: &apollo_compiler::ast::DirectiveList) -> bool {
    directives.has("deprecated")
}

fn types_named_by(definition: &ExtendedType) -> Vec<String> {
    let of_fields = |fields: Vec<&Node<FieldDefinition>>| {
        let mut names = Vec::new();
        for field in fields {
            names.push(field.ty.inner_named_type().to_string());
            names.extend(field.arguments.iter().map(input_type));
        }
        names
    };
    match definition {
        ExtendedType::Scalar(_) | ExtendedType::Enum(_) => Vec::new(),
        ExtendedType::Object(it) => of_fields(it.fields.values().map(|f| &f.node).collect()),
        ExtendedType::Interface(it) => of_fields(it.fields.values().map(|f| &f.node).collect()),
        ExtendedType::Union(it) => it.members.iter().map(|m| m.name.to_string()).collect(),
        ExtendedType::InputObject(it) => it.fields.values().map(|f| input_type(&f.node)).collect(),
    }
}

fn input_type(value: &Node<InputValueDefinition>) -> String {
    value.ty.inner_named_type().to_string()
}

fn schema() -> Valid<Schema> {
    let path = Path::new(FOLDER).join("schema.graphql");
    let text = fs::read_to_string(&path).expect("the trimmed schema");
    match Schema::parse_and_validate(text, &path) {
        Ok(schema) => schema,
        Err(broken) => panic!("{}", broken.errors),
    }
}

fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(FOLDER)
        .expect("the documents' folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "graphql"))
        .filter(|path| !path.ends_with("schema.graphql"))
        .collect();
    found.sort();
    found
}

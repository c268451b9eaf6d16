//! What products look like: drawn when somebody asks, each in a colour of its own; and files that no shop should show.

use actix_web::{HttpResponse, web};
use image::{ImageFormat, Rgb, RgbImage};

use super::goods;
use super::{Misbehaviour, Practice, orders, webhooks};

const SIDE: u32 = 320;
/// More than anybody should read.
const HUGE: usize = 11 * 1024 * 1024;
/// Colours of tea leaves, glazes and petals.
const COLOURS: [&str; 8] = [
    "7a9e5c", "b5803f", "8c4a3a", "d8b45a", "5e8a86", "a8677d", "6b6f9c", "4f7248",
];

impl Practice {
    /// Gives what the store sells pictures, but for what has no SKU; a kettle looks different in each colour.
    pub fn add_pictures(&self) {
        self.change(|state, _now| {
            for (id, colour) in state.products.ids().into_iter().zip(COLOURS.iter().cycle()) {
                let Some(product) = state.products.get_mut(id) else {
                    continue;
                };
                let is_bare = product.variants.iter().all(|variant| variant.sku.is_none());
                if is_bare || product.picture.is_some() {
                    continue;
                }
                product.picture = Some(format!("/practice/pictures/{colour}.png?v={id}"));
                if product.option_name == "Colour" {
                    for (variant, colour) in product.variants.iter_mut().zip(COLOURS) {
                        variant.picture =
                            Some(format!("/practice/pictures/{colour}.png?v={}", variant.id));
                    }
                }
            }
        });
    }

    /// Gives a product (found by the SKU of a variant) another picture, by its path here or its whole address, and
    /// tells subscribers.
    pub fn show_picture(&self, sku: &str, picture: &str) -> bool {
        self.change(|state, now| {
            let Some(id) = goods::named(state, sku).map(|product| product.id) else {
                return false;
            };
            if let Some(product) = state.products.get_mut(id) {
                product.picture = Some(picture.to_owned());
                product.updated_at = orders::later(product.updated_at, now);
            }
            webhooks::product(state, id, "products/update", now);
            true
        })
    }
}

/// The whole address of a picture that may be told by its path here.
pub(super) fn address(site: &str, picture: &str) -> String {
    if picture.starts_with('/') {
        format!("{site}{picture}")
    } else {
        picture.to_owned()
    }
}

/// `GET /practice/pictures/{name}`: where Shopify has a file host of its own.
pub(super) async fn show(practice: web::Data<Practice>, name: web::Path<String>) -> HttpResponse {
    if practice.strikes(Misbehaviour::ServerError) {
        return HttpResponse::BadGateway().finish();
    }
    match name.as_str() {
        "huge" => HttpResponse::Ok()
            .content_type("image/png")
            .body(vec![0; HUGE]),
        "broken" => HttpResponse::Ok()
            .content_type("image/png")
            .body(&b"\x89PNG\r\n\x1a\nbut nothing behind it"[..]),
        "moved" => HttpResponse::Found()
            .insert_header(("Location", "/practice/pictures/7a9e5c.png"))
            .finish(),
        name => match colour(name).and_then(draw) {
            Some(bytes) => HttpResponse::Ok().content_type("image/png").body(bytes),
            None => HttpResponse::NotFound().finish(),
        },
    }
}

/// The colour of a name like `7a9e5c.png`.
fn colour(name: &str) -> Option<[u8; 3]> {
    let bytes = hex::decode(name.strip_suffix(".png")?).ok()?;
    bytes.try_into().ok()
}

/// A bowl, seen from above.
fn draw(colour: [u8; 3]) -> Option<Vec<u8>> {
    let middle = SIDE / 2;
    let ring = |x: u32, y: u32| {
        let (x, y) = (x.abs_diff(middle), y.abs_diff(middle));
        let from_middle = x * x + y * y;
        if from_middle < 90 * 90 {
            Rgb(colour)
        } else if from_middle < 112 * 112 {
            Rgb([250, 247, 240])
        } else {
            Rgb(colour.map(|part| part / 2 + 110))
        }
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(SIDE, SIDE, ring)
        .write_to(&mut bytes, ImageFormat::Png)
        .ok()?;
    Some(bytes.into_inner())
}

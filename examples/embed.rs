//! Counterfoil inside another actix-web application, under `/erp`.
//!
//! `cargo run --example embed`, then open <http://127.0.0.1:8080/>; the host is at `/`.
use actix_web::{App, HttpServer, web};
use clap::Parser;
use counterfoil::app::Counterfoil;
use counterfoil::config::Settings;
use counterfoil::platform::clock::Clock;

/// The settings are Counterfoil's own, from the environment.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

async fn hello() -> &'static str {
    "The host application. Counterfoil is under /erp."
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    counterfoil::telemetry::start();
    let settings = Arguments::parse().settings;
    let config = settings.into_config("data/embed").under("/erp");
    let bind = config.bind.clone();
    let counterfoil = Counterfoil::start(config, Clock::System).await?;
    counterfoil.work();
    HttpServer::new(move || {
        let counterfoil = counterfoil.clone();
        App::new()
            .route("/", web::get().to(hello))
            .service(web::scope("/erp").configure(move |services| counterfoil.mount(services)))
    })
    .bind(bind)?
    .run()
    .await?;
    Ok(())
}

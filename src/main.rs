//! The program: a thin host of the library.
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use counterfoil::commands;
use counterfoil::config::Settings;
use counterfoil::platform::clock::Clock;

/// Counterfoil: the ERP's half of every Shopify order.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Server and workers (the default).
    Serve,
    /// Workers alone; several processes need PostgreSQL.
    Work,
    /// Server and practice store, connected, with catalogue, stock and orders.
    Demo,
    /// The practice store alone.
    Practice,
    /// Bring the database up to date and stop.
    Migrate,
    /// People who may sign in.
    User {
        #[command(subcommand)]
        action: UserAction,
    },
    /// Tokens for the API.
    Token {
        #[command(subcommand)]
        action: TokenAction,
    },
    /// The key that seals stored secrets.
    Keys {
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Say what is wrong with the set-up, and how to mend it.
    Check,
}

#[derive(Subcommand)]
enum UserAction {
    /// Add a person; the password is asked for on standard input.
    Add {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// owner, admin, operations, warehouse, finance, driver or viewer
        #[arg(long, default_value = "owner")]
        role: String,
    },
}

#[derive(Subcommand)]
enum TokenAction {
    /// Make a token and print it, alone, on standard output.
    Create {
        #[arg(long)]
        name: String,
        /// read or write
        #[arg(long, default_value = "read")]
        scope: String,
    },
}

#[derive(Subcommand)]
enum KeysAction {
    /// Seal every stored secret with a new key. Every Counterfoil of the database must be stopped.
    ///
    /// Without COUNTERFOIL_KEY the new key is made in the key file; the old one stays beside it until all
    /// is sealed. With COUNTERFOIL_KEY two runs are needed: the first prints a new key, alone, and changes
    /// nothing; set COUNTERFOIL_KEY to it and COUNTERFOIL_KEY_PREVIOUS to the old one, and the second
    /// seals. People stay signed in; pages that were open must be loaded again before a form is sent.
    Rotate,
}

fn main() -> ExitCode {
    // A missing .env is the usual case.
    drop(dotenvy::dotenv());
    let arguments = Arguments::parse();
    counterfoil::telemetry::start();
    let command = arguments.command.unwrap_or(Command::Serve);
    let demo = matches!(command, Command::Demo | Command::Practice);
    let config = arguments
        .settings
        .into_config(if demo { "data/demo" } else { "data" });
    let ended = actix_web::rt::System::new().block_on(async {
        match command {
            Command::Serve => commands::serve(config).await,
            Command::Work => commands::work(config).await,
            Command::Demo => commands::demo::run(config).await,
            Command::Practice => commands::practice(config).await,
            Command::Migrate => commands::migrate(&config),
            Command::User {
                action: UserAction::Add { email, name, role },
            } => commands::add_user(config, &email, &name, &role).await,
            Command::Token {
                action: TokenAction::Create { name, scope },
            } => commands::create_token(config, &name, &scope).await,
            Command::Keys {
                action: KeysAction::Rotate,
            } => commands::keys::rotate(&config, &Clock::System),
            Command::Check => commands::check(&config),
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

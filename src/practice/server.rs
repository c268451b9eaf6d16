//! Starts and stops the store: a thread of its own with the HTTP server and the sender of webhooks.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::{mpsc, oneshot};

use super::state::State;
use super::{
    Config, Inner, Practice, PracticeError, admin, deliveries, graphql, oauth, pictures, seed,
};
use crate::platform::clock::Clock;

/// What has to be ended.
pub(super) struct Running {
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

impl Running {
    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
        // The thread ends with the server; a panic in it was told already.
        let _ = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

pub(super) async fn start(config: Config, clock: Clock) -> Result<Practice, PracticeError> {
    // Another part of the program may have chosen the provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let now = clock.now().timestamp();
    let path = config
        .data_dir
        .as_ref()
        .map(|folder| folder.join("practice.db"));
    let mut state = State::open(path.as_deref(), now)?;
    if config.seed {
        seed::seed(&mut state, now);
    }
    state.commit()?;
    let schema = graphql::schema().map_err(PracticeError::Schema)?;
    let listener = listen(&config.bind)?;
    let address = listener
        .local_addr()
        .map_err(|error| bind_error(&config.bind, &error))?;
    let url = format!("http://{address}");
    state.site.clone_from(&url);
    let (asks, asked) = mpsc::unbounded_channel();
    let practice = Practice {
        inner: Arc::new(Inner {
            config,
            clock,
            url,
            schema,
            state: Mutex::new(state),
            bucket: Mutex::new(graphql::Bucket::full(now)),
            requests: Mutex::new(Vec::new()),
            asks,
            server: Mutex::new(None),
        }),
    };
    let (ready, started) = oneshot::channel();
    let shared = practice.clone();
    let thread = std::thread::spawn(move || run(shared, listener, asked, ready));
    let gone = || PracticeError::Bind {
        bind: address.to_string(),
        reason: "the server did not start".to_owned(),
    };
    let handle = started
        .await
        .map_err(|_gone| gone())?
        .map_err(|error| bind_error(&address.to_string(), &error))?;
    *super::locked(&practice.inner.server) = Some(Running { handle, thread });
    Ok(practice)
}

fn listen(bind: &str) -> Result<std::net::TcpListener, PracticeError> {
    std::net::TcpListener::bind(bind).map_err(|error| bind_error(bind, &error))
}

fn bind_error(bind: &str, error: &std::io::Error) -> PracticeError {
    PracticeError::Bind {
        bind: bind.to_owned(),
        reason: error.to_string(),
    }
}

/// The life of the thread.
fn run(
    practice: Practice,
    listener: std::net::TcpListener,
    asked: mpsc::UnboundedReceiver<deliveries::Ask>,
    ready: oneshot::Sender<std::io::Result<ServerHandle>>,
) {
    actix_web::rt::System::new().block_on(async move {
        let sender = actix_web::rt::spawn(deliveries::run(practice.clone(), asked));
        let data = web::Data::new(practice);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(2 << 20))
                .configure(routes)
        })
        .workers(1)
        .disable_signals()
        .listen(listener);
        match server {
            Ok(server) => {
                let server = server.run();
                // Whoever started the store may have given up.
                let _ = ready.send(Ok(server.handle()));
                if let Err(error) = server.await {
                    tracing::error!(%error, "practice store stopped");
                }
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
        sender.abort();
    });
}

/// Every URL of the store.
fn routes(app: &mut web::ServiceConfig) {
    app.route("/admin/oauth/authorize", web::get().to(oauth::new))
        .route("/admin/oauth/authorize", web::post().to(oauth::create))
        .route(
            "/admin/oauth/access_token",
            web::post().to(oauth::create_token),
        )
        .route(
            "/admin/api/{version}/graphql.json",
            web::post().to(graphql::create),
        )
        .route("/", web::get().to(admin::index))
        .route("/admin", web::get().to(admin::index))
        .route("/practice.css", web::get().to(admin::stylesheet))
        .route("/practice/orders", web::post().to(admin::create_order))
        .route("/practice/orders/{id}", web::get().to(admin::show_order))
        .route(
            "/practice/orders/{id}/{action}",
            web::post().to(admin::change_order),
        )
        .route("/practice/products", web::post().to(admin::update_product))
        .route(
            "/practice/bulk/{number}.jsonl",
            web::get().to(graphql::show_file),
        )
        .route("/practice/pictures/{name}", web::get().to(pictures::show))
        .route("/practice/tokens", web::post().to(admin::create_token))
        .route("/practice/misbehaviours", web::post().to(admin::misbehave));
}

//! The listener.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests that are under way may hold up the end of the process.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Serves until `stop` says so, then for a few seconds what is still open.
///
/// # Errors
/// The listener failed.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) -> io::Result<()> {
    let told = |mut stop: watch::Receiver<bool>| async move {
        let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(told(stop.clone())).into_future();
    let late = async {
        told(stop).await;
        tokio::time::sleep(CLOSE_WAIT).await;
    };
    tokio::select! {
        served = serving => served,
        () = late => Ok(()),
    }
}

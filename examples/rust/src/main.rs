//! Prints the rows that a request asks for, one JSON object a line.
//!
//!     mtflight serve testdata &
//!     cargo run --release -- http://127.0.0.1:8815 '{"file": "tables.h5", "dataset": "/events", "where": "energy > 2"}'
//!
//! With TLS the location is https://HOST:PORT. Variables say the rest: TLS_CA, TLS_CERT and TLS_KEY are PEM files, MTFLIGHT_TOKEN is a bearer, and
//! MTFLIGHT_LOGIN is NAME:PASSWORD.

use std::{env, error::Error, fs, io};

use arrow::json::{WriterBuilder, writer::LineDelimited};
use arrow_flight::{FlightClient, HandshakeRequest, Ticket, flight_service_client::FlightServiceClient};
use base64::prelude::{BASE64_STANDARD, Engine};
use futures::TryStreamExt;
use tonic::{
    Request,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [location, request] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "rows LOCATION REQUEST")?;
    let mut endpoint = Endpoint::from_shared(location.clone())?;
    if location.starts_with("https:") {
        endpoint = endpoint.tls_config(tls()?)?;
    }
    // Tonic takes messages of up to 4 MiB if not told otherwise; batches may be larger.
    let mut service = FlightServiceClient::new(endpoint.connect().await?).max_decoding_message_size(usize::MAX);
    let login = login(&mut service).await?;
    let mut client = FlightClient::new_from_inner(service);
    if let Some(login) = login {
        client.add_header("authorization", &login)?;
    }
    let mut batches = client.do_get(Ticket::new(request)).await?;
    let mut rows = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(io::stdout().lock());
    while let Some(batch) = batches.try_next().await? {
        rows.write(&batch)?;
    }
    Ok(rows.finish()?)
}

/// Whom the program trusts, and the certificate that it has.
fn tls() -> Result<ClientTlsConfig, Box<dyn Error>> {
    let mut config = ClientTlsConfig::new();
    if let Ok(path) = env::var("TLS_CA") {
        config = config.ca_certificate(Certificate::from_pem(fs::read(path)?));
    }
    if let (Ok(cert), Ok(key)) = (env::var("TLS_CERT"), env::var("TLS_KEY")) {
        config = config.identity(Identity::from_pem(fs::read(cert)?, fs::read(key)?));
    }
    Ok(config)
}

/// The header authorization of calls. A name and password are changed for a bearer by Flight's handshake.
async fn login(service: &mut FlightServiceClient<Channel>) -> Result<Option<String>, Box<dyn Error>> {
    if let Ok(token) = env::var("MTFLIGHT_TOKEN") {
        return Ok(Some(format!("Bearer {}", token.trim())));
    }
    let Ok(name_and_password) = env::var("MTFLIGHT_LOGIN") else { return Ok(None) };
    let mut request = Request::new(futures::stream::iter([HandshakeRequest::default()]));
    request.metadata_mut().insert("authorization", format!("Basic {}", BASE64_STANDARD.encode(name_and_password)).parse()?);
    let (headers, mut answers, _) = service.handshake(request).await?.into_parts();
    while answers.try_next().await?.is_some() {} // at the end is what was wrong
    let bearer = headers.get("authorization").ok_or("no bearer in the answer")?;
    Ok(Some(bearer.to_str()?.to_string()))
}

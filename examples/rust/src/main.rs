//! Prints the rows that a request asks for, one JSON object a line.
//!
//!     mtflight serve testdata &
//!     cargo run --release -- http://127.0.0.1:8815 '{"file": "tables.h5", "dataset": "/events", "where": "energy > 2"}'

use std::{env, error::Error, io};

use arrow::json::{WriterBuilder, writer::LineDelimited};
use arrow_flight::{FlightClient, Ticket, flight_service_client::FlightServiceClient};
use futures::TryStreamExt;
use tonic::transport::Endpoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [location, request] = env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "rows LOCATION REQUEST")?;
    let channel = Endpoint::from_shared(location)?.connect().await?;
    // Tonic takes messages of up to 4 MiB if not told otherwise; batches may be larger.
    let service = FlightServiceClient::new(channel).max_decoding_message_size(usize::MAX);
    let mut client = FlightClient::new_from_inner(service);
    let mut batches = client.do_get(Ticket::new(request)).await?;
    let mut rows = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(io::stdout().lock());
    while let Some(batch) = batches.try_next().await? {
        rows.write(&batch)?;
    }
    Ok(rows.finish()?)
}

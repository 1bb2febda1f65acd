//! Sends the commands of concurrent calls together.
//!
//! A few calls at a time are sent at once, each on a connection of its own. If more are made
//! meanwhile, they wait, and the next connection that is free sends all of them. So a thousand
//! reads take a few round trips, and a call that is made alone waits for nothing.
//!
//! Calls wait in *lanes*, one for each set of servers that they need. So a server that does not
//! answer delays no call to another one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use memcache::exp::{AsyncMetaClient, Op, OpResult, Result as ClientResult};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::reply::Reply;
use crate::TierResult;
use crate::clock::Instant;
use crate::sync::lock;

/// The number of requests of a lane that are in progress at a time.
const IN_PROGRESS: usize = 8;

/// The number of commands from which on no more calls are added to a request. It bounds what a
/// small call waits for, and the memory of one answer.
const ENOUGH: usize = 1024;

/// The replies to the commands of a call.
type Replies = TierResult<Vec<Reply>>;

/// The servers that a call needs, a bit each. Servers from the 65th on share bits with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Servers(u64);

impl Servers {
    /// Adds the server with an index.
    pub(super) fn add(&mut self, index: usize) {
        self.0 |= 1 << (index % 64);
    }
}

/// The lanes of a client.
pub(super) struct Lanes {
    client: AsyncMetaClient,
    lanes: Mutex<HashMap<Servers, Lane>>,
}

/// The calls to one set of servers.
#[derive(Default)]
struct Lane {
    in_progress: usize,
    waiting: VecDeque<Waiting>,
}

/// A call that waits until it is sent.
struct Waiting {
    commands: Vec<Op>,
    until: Instant,
    reply: oneshot::Sender<Replies>,
}

/// What a call does next.
enum Turn {
    /// It sends its commands at once.
    Send(Vec<Op>, Place),
    /// Others send them.
    Wait(oneshot::Receiver<Replies>),
}

impl Lanes {
    pub(super) fn new(client: AsyncMetaClient) -> Arc<Self> {
        Arc::new(Self {
            client,
            lanes: Mutex::default(),
        })
    }

    /// Sends commands, at once or together with those of others, and returns their replies.
    ///
    /// `until` is when the caller stops waiting. The future can be dropped: commands that wait are
    /// not sent then, unless they are already part of a request.
    pub(super) async fn send(
        self: &Arc<Self>,
        servers: Servers,
        commands: Vec<Op>,
        until: Instant,
    ) -> Replies {
        match self.turn(servers, commands, until) {
            Turn::Send(commands, place) => {
                let replies = self.run(commands).await;
                drop(place);
                replies
            }
            Turn::Wait(reply) => reply
                .await
                .unwrap_or_else(|_| Err("the runtime that sent the request ended".to_owned())),
        }
    }

    /// Takes a place in the lane, or waits in it.
    fn turn(self: &Arc<Self>, servers: Servers, commands: Vec<Op>, until: Instant) -> Turn {
        let mut lanes = lock(&self.lanes);
        let lane = lanes.entry(servers).or_default();
        if lane.in_progress < IN_PROGRESS {
            lane.in_progress += 1;
            return Turn::Send(commands, Place::new(self, servers));
        }
        let (reply, replies) = oneshot::channel();
        lane.waiting.push_back(Waiting {
            commands,
            until,
            reply,
        });
        Turn::Wait(replies)
    }

    /// Sends commands as one request to each server.
    async fn run(&self, commands: Vec<Op>) -> Replies {
        match self.client.run_batch(commands).await {
            Ok(results) => replies(results),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends the commands of several calls as one request to each server, until the last of the
    /// calls stops waiting.
    async fn run_together(&self, calls: Vec<Waiting>) {
        let Some(until) = calls.iter().map(|call| call.until).max() else {
            return;
        };
        let mut commands = Vec::new();
        let mut callers = Vec::with_capacity(calls.len());
        for mut call in calls {
            callers.push((call.commands.len(), call.reply));
            commands.append(&mut call.commands);
        }
        let request = self.client.run_batch(commands);
        let answer = match tokio::time::timeout_at(until, request).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            // Callers whose deadline is earlier have left by now.
            Err(_) => Err("no answer within the deadline".to_owned()),
        };
        let mut results = answer.map(Vec::into_iter);
        for (count, caller) in callers {
            let of_caller = match &mut results {
                Ok(results) => replies(results.take(count)),
                Err(reason) => Err(reason.clone()),
            };
            // The caller may have left.
            let _ = caller.send(of_caller);
        }
    }

    /// Returns the calls that the next request sends. Without any, ends the place of a request.
    fn next(&self, servers: Servers) -> Vec<Waiting> {
        let mut lanes = lock(&self.lanes);
        let Some(lane) = lanes.get_mut(&servers) else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        let mut commands = 0;
        while commands < ENOUGH
            && let Some(call) = lane.waiting.pop_front()
        {
            if !call.reply.is_closed() {
                commands += call.commands.len();
                calls.push(call);
            }
        }
        if calls.is_empty() {
            lane.in_progress -= 1;
        }
        calls
    }
}

/// The place of one request in a lane. When it is dropped, the calls that wait are sent in its
/// place, by a task of their own.
struct Place {
    lanes: Arc<Lanes>,
    servers: Servers,
}

impl Place {
    fn new(lanes: &Arc<Lanes>, servers: Servers) -> Self {
        Self {
            lanes: lanes.clone(),
            servers,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let calls = self.lanes.next(self.servers);
        if calls.is_empty() {
            return;
        }
        let place = Self::new(&self.lanes, self.servers);
        let send = async move {
            place.lanes.run_together(calls).await;
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(send)),
            // The place in `send` is dropped, which takes the calls after these, until none wait.
            Err(_) => drop(send),
        }
    }
}

/// Turns the results of commands into replies. The first error is that of all.
fn replies(results: impl IntoIterator<Item = ClientResult<OpResult>>) -> Replies {
    let replies = results.into_iter().map(|result| result.map(Reply::from));
    replies
        .collect::<ClientResult<_>>()
        .map_err(|error| error.to_string())
}

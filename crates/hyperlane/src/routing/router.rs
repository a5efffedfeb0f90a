//! A part of a server's routes: put together apart, and nested into a server or another router.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::registration::Registration;
use super::registration_methods;

/// Routes with middleware, states and a fallback of their own: a group.
///
/// It has the same methods as [`Server`](crate::Server), and is put into one, or into another router, by
/// [`nest`](crate::Server::nest), [`merge`](crate::Server::merge) or [`host`](crate::Server::host). What it was given
/// holds for its own routes: its middleware stands around them alone, inside of that of the server; of its states those
/// of the server with the same type are hidden.
///
/// ```
/// use hyperlane::*;
///
/// fn users() -> Router {
///     let router = Router::new();
///     router.get("/", async || "all users").get("/{id}", async |Path(id): Path<u64>| format!("user {id}"));
///     router
/// }
///
/// let api = Router::new();
/// api.nest("/users", users()).fallback(async || (StatusCode::NOT_FOUND, "no such call"));
///
/// let server = Server::new();
/// server.nest("/api", api); // GET /api/users, GET /api/users/7
/// # assert!(server.build().is_ok());
/// ```
#[derive(Default)]
pub struct Router {
    registration: Mutex<Registration>,
}

impl Router {
    /// A router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    registration_methods!(Self);

    pub(crate) fn into_registration(self) -> Registration {
        self.registration.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, _what: &str, change: impl FnOnce(&mut Registration)) -> &Self {
        change(&mut self.lock());
        self
    }

    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound registration.
    fn lock(&self) -> MutexGuard<'_, Registration> {
        self.registration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

/// Routes that register themselves: what the attribute macros make of a function, or a module offers as one value.
///
/// ```
/// use hyperlane::*;
///
/// struct Health;
///
/// impl Routes for Health {
///     fn register(self, router: &Router) {
///         router.get("/live", async || "ok").get("/ready", async || "ok");
///     }
/// }
///
/// let server = Server::new();
/// server.add(Health);
/// # assert!(server.build().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be added to a server",
    label = "these are not routes that register themselves",
    note = "`.add(…)` takes functions with an attribute like `#[get(\"/path\")]`, tuples of them, and types that implement `Routes`",
    note = "register a plain handler with its method and pattern: `.get(\"/path\", handler)`"
)]
pub trait Routes<Args = ()> {
    /// Registers all routes.
    fn register(self, router: &Router);
}

macro_rules! tuples_of_routes {
    ($($($part:ident $args:ident)+;)*) => {$(
        impl<$($part: Routes<$args>, $args,)+> Routes<($($args,)+)> for ($($part,)+) {
            #[allow(non_snake_case, reason = "the parts are named after their types")]
            fn register(self, router: &Router) {
                let ($($part,)+) = self;
                $($part.register(router);)+
            }
        }
    )*};
}

tuples_of_routes! {
    A Aa;
    A Aa B Bb;
    A Aa B Bb C Cc;
    A Aa B Bb C Cc D Dd;
    A Aa B Bb C Cc D Dd E Ee;
    A Aa B Bb C Cc D Dd E Ee F Ff;
    A Aa B Bb C Cc D Dd E Ee F Ff G Gg;
    A Aa B Bb C Cc D Dd E Ee F Ff G Gg H Hh;
}

//! The registering methods that a server and a router have in common, written once.

/// The methods by which routes, middleware and states are registered. `Self` has a method
/// `register(&self, what: &str, change: impl FnOnce(&mut Registration)) -> &Self`.
macro_rules! registration_methods {
    ($owner:ident) => {
        /// Answers requests of any method whose path matches `pattern`. Handlers for one method on the same pattern go
        /// before it.
        ///
        /// A pattern is a path in which `{name}` stands for one segment and `{*name}`, at its end, for all that is left:
        /// `/users/{id}`, `/files/{*path}`. Fixed text goes before parameters, whatever the order of registration.
        ///
        /// A handler is an `async fn`; wrapped in a [`Route`](crate::Route) it has a name, middleware, a body limit or
        /// guards of its own.
        pub fn route<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            let pattern = pattern.as_ref();
            self.register(pattern, |registration| registration.add(None, pattern, handler))
        }

        /// Answers requests of one method, which may be one of your own, whose path matches `pattern`.
        pub fn on<H, Args>(&self, method: http::Method, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            let pattern = pattern.as_ref();
            self.register(pattern, |registration| {
                registration.add(Some(method), pattern, handler)
            })
        }

        /// Answers `GET`, and `HEAD` where it has no handler of its own (RFC 9110 §9.3.2).
        pub fn get<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::GET, pattern, handler)
        }

        /// Answers `POST`.
        pub fn post<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::POST, pattern, handler)
        }

        /// Answers `PUT`.
        pub fn put<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::PUT, pattern, handler)
        }

        /// Answers `DELETE`.
        pub fn delete<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::DELETE, pattern, handler)
        }

        /// Answers `PATCH`.
        pub fn patch<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::PATCH, pattern, handler)
        }

        /// Answers `HEAD`, instead of the pattern's handler for `GET`.
        pub fn head<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::HEAD, pattern, handler)
        }

        /// Answers `OPTIONS`, instead of the answer that lists the pattern's methods.
        pub fn options<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.on(http::Method::OPTIONS, pattern, handler)
        }

        /// Answers requests whose path matches no pattern, which get a 404 otherwise; that of a nested router those
        /// below its prefix. A second one replaces the first.
        pub fn fallback<H, Args>(&self, handler: H) -> &Self
        where
            H: $crate::Handler<Args>,
            Args: 'static,
        {
            self.register("the fallback", |registration| registration.set_fallback(handler))
        }

        /// Adds routes that register themselves: functions with an attribute like `#[get("/path")]`, and whatever
        /// implements [`Routes`](crate::Routes).
        pub fn add<Args>(&self, routes: impl $crate::Routes<Args>) -> &Self {
            let router = $crate::Router::new();
            routes.register(&router);
            self.merge(router)
        }

        /// Adds the routes of `router` below `prefix`, which may have parameters: `/users`, `/shops/{shop}`. Its route
        /// `/` answers at the prefix itself, without a slash at its end.
        ///
        /// Paths are matched and seen whole: nothing is cut off for nested handlers.
        pub fn nest(&self, prefix: impl AsRef<str>, router: $crate::Router) -> &Self {
            let prefix = prefix.as_ref();
            let inner = router.into_registration();
            self.register(prefix, |registration| registration.add_group(prefix, None, inner))
        }

        /// Adds the routes of `router` as they are; its middleware and states stay its own.
        pub fn merge(&self, router: $crate::Router) -> &Self {
            let inner = router.into_registration();
            self.register("a router", |registration| registration.add_group("", None, inner))
        }

        /// Serves a host by routes of its own: `api.example.com`, or `*.example.com` for all hosts below it, on
        /// whatever port (RFC 9110 §7.2). Single hosts go before those with `*`. Requests to other hosts are answered by
        /// the routes that have no host; those of a host by nothing else.
        ///
        /// The host is what the client claims.
        pub fn host(&self, host: impl AsRef<str>, router: $crate::Router) -> &Self {
            let host = host.as_ref();
            let inner = router.into_registration();
            self.register(host, |registration| registration.add_group("", Some(host), inner))
        }

        /// Puts a [`Middleware`](crate::Middleware) around all routes from here, whether they are registered before or
        /// after it, and around the answers 404, 405 and `OPTIONS`. The first one registered sees a request first.
        pub fn middleware<M, Args>(&self, middleware: M) -> &Self
        where
            M: $crate::Middleware<Args>,
            Args: 'static,
        {
            let middleware = $crate::middleware::erase(middleware);
            self.register("a middleware", |registration| {
                registration.middleware.push(middleware)
            })
        }

        /// Puts a layer of tower around all routes from here, as [`middleware`](Self::middleware) does: all of
        /// `tower-http`, and your own.
        ///
        /// An error of the layer's service is logged and answered 500.
        pub fn layer<L, B>(&self, layer: L) -> &Self
        where
            L: tower_layer::Layer<$crate::NextService>,
            L::Service: tower_service::Service<http::Request<$crate::Body>, Response = http::Response<B>>
                + Clone
                + Send
                + Sync
                + 'static,
            <L::Service as tower_service::Service<http::Request<$crate::Body>>>::Error: Into<$crate::BoxError>,
            <L::Service as tower_service::Service<http::Request<$crate::Body>>>::Future: Send,
            B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
            B::Error: Into<$crate::BoxError>,
        {
            self.middleware($crate::middleware::Layered::new(&layer))
        }

        /// Gives a value to all handlers from here, which take it as [`State<T>`](crate::State) or with
        /// [`Context::state`](crate::Context::state). There is one value of each type: a second one replaces the first,
        /// and a warning is logged; one of a nested router hides that of the router around it.
        ///
        /// Each use clones it: put what is costly to clone into an [`Arc`](std::sync::Arc).
        pub fn state<T: Clone + Send + Sync + 'static>(&self, value: T) -> &Self {
            self.register("a state", |registration| {
                if registration.states.insert(value) {
                    tracing::warn!(
                        state = std::any::type_name::<T>(),
                        "a state of this type was given before and is replaced"
                    );
                }
            })
        }
    };
}

pub(crate) use registration_methods;

// Shows what the server sends to this device. It keeps no page and answers no request: the network stays in charge.
self.addEventListener("push", (event) => {
  const told = event.data?.json() ?? {};
  event.waitUntil(self.registration.showNotification(told.title ?? "", {
    body: told.body, tag: told.tag, lang: "id", icon: "/static/img/favicon.svg", data: { url: told.url },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data?.url ?? "/tugas/"));
});

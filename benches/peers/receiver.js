// What every receiver shares: Express with its own body parser, the signature over the raw bytes, one row, one answer.
import crypto from "node:crypto";
import express from "express";

export const COLUMNS = [
  "source", "shop_domain", "webhook_id", "event_id", "topic", "api_version", "key", "snapshot", "ver", "triggered_at",
  "received_at", "secret_label", "headers", "body", "due_at",
];

// The row that Counterfoil stores; `store` takes it and says, when it is durable, whether it was new.
export function receive(store) {
  const [port, , secret] = process.argv.slice(2);
  const app = express();
  app.disable("x-powered-by");
  app.use(express.raw({ type: "application/json", limit: "5mb" }));
  app.post("/api/integrations/webhook/shopify", async (request, response) => {
    const expected = crypto.createHmac("sha256", secret).update(request.body).digest();
    const signature = Buffer.from(request.get("X-Shopify-Hmac-Sha256") ?? "", "base64");
    if (signature.length !== expected.length || !crypto.timingSafeEqual(signature, expected)) {
      return response.status(401).json({ status: "rejected" });
    }
    const order = JSON.parse(request.body);
    const shop = request.get("X-Shopify-Shop-Domain");
    const now = Date.now() * 1000;
    const headers = {
      topic: request.get("X-Shopify-Topic"),
      webhook_id: request.get("X-Shopify-Webhook-Id"),
      event_id: request.get("X-Shopify-Event-Id"),
      api_version: request.get("X-Shopify-API-Version"),
      test: false,
    };
    const isNew = await store([
      "shopify", shop, headers.webhook_id, headers.event_id, headers.topic, headers.api_version,
      `${shop}/order/${order.id}`, 1, Date.parse(order.updated_at) * 1000,
      Date.parse(request.get("X-Shopify-Triggered-At")) * 1000, now, "app", JSON.stringify(headers), request.body, now,
    ]);
    response.json({ status: isNew ? "created" : "duplicate", order_number: order.name, delivery_id: null });
  });
  app.listen(Number(port), "127.0.0.1", () => console.log("ready"));
}

import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { defaultMixinThresholds, HealthCheckBase, HealthCheckMixin, type MixinThresholds } from "./mixin.ts";

class Clocked extends HealthCheckBase {
  now = 1_000_000;
  override nowSeconds(): number {
    return this.now;
  }
  calls(ok: number, failed: number): this {
    for (let i = 0; i < ok; i += 1) this.recordSuccess();
    for (let i = 0; i < failed; i += 1) this.recordError(new Error("boom"));
    return this;
  }
}

describe("a class with the health check mixin", () => {
  it("is healthy with no message before anything was recorded", () => {
    const result = new Clocked().healthCheck();
    expect(result).toMatchObject({ status: "healthy", message: "", timestamp: 1_000_000, isHealthy: true });
    expect(result.details.errorRate).toBeNull();
  });

  it("has no error rate below 10 samples, however many failed", () => {
    const thing = new Clocked().calls(0, 9);
    expect(thing.getErrorRate()).toBeNull();
    expect(thing.healthCheck().status).toBe("healthy");
  });

  it.each([
    [7, 3, "healthy", ""],
    [69, 31, "healthy", "warning: error rate 31 % is above 30 %"],
    [5, 5, "healthy", "warning: error rate 50 % is above 30 %"],
    [49, 51, "degraded", "error rate 51 % is above 50 %"],
    [1, 99, "degraded", "error rate 99 % is above 50 %"],
    [0, 10, "unhealthy", "all 10 calls of the window failed"],
  ])("with %i successes and %i errors is %s", (ok, failed, status, message) => {
    expect(new Clocked().calls(ok, failed).healthCheck()).toMatchObject({ status, message });
  });

  it("tells of a warning in its details, with the last error", () => {
    const { details } = new Clocked().calls(6, 4).healthCheck();
    expect(details).toMatchObject({ errors: 4, samples: 10, errorRate: 0.4, lastError: "boom" });
    expect(details.warning).toContain("40 %");
  });

  it("sees a fresh outage that lifetime counters would hide, and forgets errors after 300 s", () => {
    const thing = new Clocked().calls(10_000, 0);
    thing.now += 301;
    thing.calls(0, 10);
    expect(thing.healthCheck().status).toBe("unhealthy");
    thing.now += 301;
    expect(thing.healthCheck().status).toBe("healthy");
  });

  it("is unhealthy when it does not run though it should", () => {
    class Stopped extends Clocked {
      override isRunning(): boolean {
        return false;
      }
    }
    expect(new Stopped().calls(20, 0).healthCheck()).toMatchObject({
      status: "unhealthy",
      details: { running: false },
    });
  });

  it("is degraded after more than 1,800 s of silence only where activity is expected", () => {
    class Busy extends Clocked {
      override expectsActivity(): boolean {
        return true;
      }
    }
    const busy = new Busy().calls(1, 0);
    const idle = new Clocked().calls(1, 0);
    busy.now += 1800;
    expect(busy.healthCheck().status).toBe("healthy");
    busy.now += 1;
    idle.now += 1801;
    expect(busy.healthCheck()).toMatchObject({ status: "degraded", message: "no activity for 1801 s" });
    expect(idle.healthCheck().status).toBe("healthy");
  });

  it("may override thresholds", () => {
    class Strict extends Clocked {
      override healthThresholds(): MixinThresholds {
        return { ...defaultMixinThresholds, errorRateCritical: 0.1, minimumSamples: 2 };
      }
    }
    expect(new Strict().calls(1, 1).healthCheck().status).toBe("degraded");
  });

  it("keeps its own base, that base's constructor and methods", () => {
    class Emitter extends HealthCheckMixin(EventEmitter) {}
    const emitter = new Emitter({ captureRejections: true });
    let heard = 0;
    emitter.on("tick", () => {
      heard += 1;
    });
    emitter.emit("tick");
    emitter.recordSuccess();
    expect(emitter).toBeInstanceOf(EventEmitter);
    expect(heard).toBe(1);
    expect(emitter.healthCheck().isHealthy).toBe(true);
  });

  it("keeps the static members and constructor arguments of a base of one's own", () => {
    class Plain {
      static readonly kind: string = "plain";
      readonly size: number;
      constructor(size: number) {
        this.size = size;
      }
    }
    class Sized extends HealthCheckMixin(Plain) {
      override expectsActivity(): boolean {
        return this.size > 0;
      }
    }
    expect(Sized.kind).toBe("plain");
    expect(new Sized(3).expectsActivity()).toBe(true);
  });

  it("bounds the text of the last error", () => {
    const thing = new Clocked();
    thing.recordError(new Error("x".repeat(10_000)));
    expect(String(thing.healthCheck().details.lastError)).toHaveLength(500);
  });
});

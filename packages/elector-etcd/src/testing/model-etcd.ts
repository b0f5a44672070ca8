import type { WriteGuard } from "../core/etcd-agreed.ts";
import type { LeaderKey, Snapshot, Writing } from "../core/etcd-state.ts";

interface ModelLease {
  readonly ttlMs: number;
  expiresAt: number;
}

/** What etcd does with the three keys and the leases, on a clock that the caller moves. */
export class ModelEtcd {
  #revision = 1;
  #leases = new Map<string, ModelLease>();
  #nextLease = 1;
  #leader: LeaderKey | null = null;
  #generation: Snapshot["generation"] = null;
  #agreed: { readonly modRevision: number; readonly stored: Writing } | null = null;
  /** Told of each change of the leader's key. */
  onChange: (revision: number, leader: LeaderKey | null) => void = () => undefined;
  /** Told of each change of the agreed key. */
  onAgreed: () => void = () => undefined;

  read(now: number, whole = false): Snapshot {
    this.#expire(now);
    const agreed =
      this.#agreed === null || whole ? this.#agreed : { ...this.#agreed, stored: "unread" as const };
    return { revision: this.#revision, leader: this.#leader, generation: this.#generation, agreed };
  }

  agree({ leader, over }: WriteGuard, stored: Writing, now: number): Snapshot {
    this.#expire(now);
    if (this.#leader?.createRevision === leader && (this.#agreed?.modRevision ?? 0) === over) {
      this.#revision += 1;
      this.#agreed = { modRevision: this.#revision, stored };
      this.onAgreed();
    }
    return this.read(now, true);
  }

  /** What the key holds, for the test alone. */
  get value(): string {
    return this.#agreed?.stored.value ?? "";
  }

  /** Removes the key by hand. */
  deleteAgreed(): void {
    this.#revision += 1;
    this.#agreed = null;
    this.onAgreed();
  }

  grant(ttlMs: number, now: number): { lease: string; ttlMs: number } {
    const lease = String(this.#nextLease);
    this.#nextLease += 1;
    this.#leases.set(lease, { ttlMs, expiresAt: now + ttlMs });
    return { lease, ttlMs };
  }

  keep(id: string, now: number): { lease: string; ttlMs: number } {
    this.#expire(now);
    const lease = this.#leases.get(id);
    if (lease === undefined) return { lease: id, ttlMs: 0 };
    lease.expiresAt = now + lease.ttlMs;
    return { lease: id, ttlMs: lease.ttlMs };
  }

  /** Null when the lease is not there, as etcd answers 404. */
  campaign(voter: string, lease: string, generationRevision: number, now: number): Snapshot | null {
    this.#expire(now);
    if (!this.#leases.has(lease)) return null;
    if (this.#leader === null && (this.#generation?.modRevision ?? 0) === generationRevision) {
      this.#revision += 1;
      this.#leader = { voter, lease, createRevision: this.#revision };
      this.onChange(this.#revision, this.#leader);
    }
    return this.read(now);
  }

  writeGeneration(value: number, modRevision: number, now: number): Snapshot {
    if ((this.#generation?.modRevision ?? 0) === modRevision) {
      this.#revision += 1;
      this.#generation = { value, modRevision: this.#revision };
    }
    return this.read(now);
  }

  revoke(lease: string, now: number): void {
    const known = this.#leases.get(lease);
    if (known !== undefined) known.expiresAt = now;
    this.#expire(now);
  }

  /** Removes the key by hand, whatever its lease. */
  deleteLeader(): void {
    if (this.#leader === null) return;
    this.#revision += 1;
    this.#leader = null;
    this.onChange(this.#revision, null);
  }

  /** Loses everything, as a new and empty etcd at the same addresses. */
  wipe(): void {
    this.#revision = 1;
    this.#leader = null;
    this.#generation = null;
    this.#agreed = null;
    this.#leases.clear();
  }

  #expire(now: number): void {
    for (const [id, { expiresAt }] of this.#leases) {
      if (expiresAt > now) continue;
      this.#leases.delete(id);
      if (this.#leader?.lease === id) this.deleteLeader();
    }
  }
}

// core: pure

/** One reading that a check brings; as a metric its name has `ringrift_` before it. */
export interface CatalogedReading {
  readonly name: string;
  /** Beside `node`. */
  readonly labels: readonly string[];
  readonly meaning: string;
}

const reading = (name: string, meaning: string, ...labels: string[]): CatalogedReading => ({
  name,
  labels,
  meaning,
});
const gpu = (name: string, meaning: string, ...labels: string[]): CatalogedReading =>
  reading(`gpu_${name}`, meaning, "gpu", "uuid", ...labels);

/** Every reading by the check that brings it; `docs/readings.md` is written from this table. */
export const readingCatalog: Readonly<Record<string, readonly CatalogedReading[]>> = {
  cpu: [
    reading("cpu_utilization_ratio", "share of the cores' time that was neither idle nor waiting for a disk"),
    reading("cpu_steal_ratio", "share of the time that the hypervisor gave to others"),
    reading("cpu_cores", "cores that are online"),
  ],
  load: [reading("load_average", "tasks that ran or waited, averaged over 1, 5 or 15 minutes", "minutes")],
  memory: [
    reading("memory_total_bytes", "memory of the host"),
    reading("memory_available_bytes", "memory that programs can have without swapping"),
  ],
  swap: [
    reading("swap_total_bytes", "swap space"),
    reading("swap_free_bytes", "swap space that is free"),
    reading("swap_pages_per_second", "pages moved in and out since the last run"),
  ],
  disks: [
    reading("filesystem_size_bytes", "size of a file system", "device", "mount"),
    reading("filesystem_available_bytes", "room for programs without privileges", "device", "mount"),
    reading("filesystem_inodes", "inodes of a file system", "device", "mount"),
    reading("filesystem_inodes_free", "inodes that are free", "device", "mount"),
    reading("filesystem_read_only", "1 where nothing can be written", "device", "mount"),
    reading("filesystem_error", "1 where the file system did not answer", "device", "mount"),
    reading("filesystem_full_in_seconds", "time until it is full, as it fills now", "device", "mount"),
  ],
  "disk-io": [
    reading("disk_reads_completed_total", "reads since boot", "disk"),
    reading("disk_writes_completed_total", "writes since boot", "disk"),
    reading("disk_read_bytes_total", "bytes read since boot", "disk"),
    reading("disk_written_bytes_total", "bytes written since boot", "disk"),
    reading("disk_requests_in_flight", "requests that wait now", "disk"),
    reading("disk_request_mean_seconds", "mean time of a request since the last run", "disk"),
    reading("disk_busy_ratio", "share of the time with a request in flight, since the last run", "disk"),
  ],
  network: [
    reading("network_bytes_total", "bytes since the interface came up", "interface", "direction"),
    reading("network_packets_total", "packets since then", "interface", "direction"),
    reading("network_errors_total", "bad packets since then", "interface", "direction"),
    reading("network_drops_total", "dropped packets since then", "interface", "direction"),
  ],
  infiniband: [
    reading("infiniband_port_up", "1 while the port is ACTIVE", "port"),
    reading("infiniband_port_rate_bytes_per_second", "rate of the link", "port"),
    reading("infiniband_symbol_errors_total", "symbols that came in wrong", "port"),
    reading("infiniband_link_recoveries_total", "times that the link recovered from errors", "port"),
    reading("infiniband_link_downs_total", "times that the link went down", "port"),
    reading("infiniband_receive_errors_total", "packets that came in wrong", "port"),
    reading("infiniband_transmit_discards_total", "packets that could not be sent", "port"),
    reading("infiniband_link_integrity_errors_total", "times that link errors passed their limit", "port"),
  ],
  conntrack: [
    reading("conntrack_entries", "connections that the firewall tracks"),
    reading("conntrack_entries_limit", "connections that it can track"),
  ],
  pressure: [
    reading(
      "pressure_stalled_ratio",
      "share of the last minute in which tasks waited for the resource",
      "resource",
      "kind",
    ),
  ],
  processes: [
    reading("processes", "processes of the host"),
    reading("processes_zombie", "processes that ended and were not collected"),
    reading("processes_uninterruptible", "processes in uninterruptible sleep at the moment"),
    reading("processes_stuck", "processes in uninterruptible sleep in two runs in a row"),
    reading("processes_matching", "processes whose command line holds an expected part", "pattern"),
  ],
  files: [
    reading("open_files", "files open on the whole host"),
    reading("open_files_limit", "files that can be open"),
  ],
  services: [reading("systemd_unit_running", "1 while a process of the enabled unit lives", "unit")],
  "container-runtime": [reading("container_runtime_up", "1 while the runtime answers", "runtime")],
  clock: [
    reading("clock_synchronized", "1 while the clock follows a source, by its service or the kernel"),
    reading("clock_offset_seconds", "how far ahead its service finds the clock"),
    reading("clock_error_bound_seconds", "how wrong the clock may be at most, by its service"),
    reading("clock_step_seconds", "by how much the clock was set since the last run"),
    reading("clock_server_offset_seconds", "how far ahead of a server's the clock is", "server"),
    reading("clock_server_offset_uncertainty_seconds", "bound of that estimate's error", "server"),
  ],
  kernel: [
    reading("kernel_taint_mask", "the kernel's taint mask"),
    reading("reboot_required", "1 while updates wait for a reboot"),
  ],
  gpu: [
    reading("gpus", "cards that nvidia-smi lists"),
    reading("gpus_expected", "cards that should be there"),
    gpu("utilization_ratio", "share of the time with a kernel on the card"),
    gpu("memory_used_bytes", "memory in use"),
    gpu("memory_total_bytes", "memory of the card"),
    gpu("memory_free_bytes", "memory that is free"),
    gpu("memory_reserved_bytes", "memory that driver and firmware keep"),
    gpu("bar1_used_bytes", "mapped window to the host in use"),
    gpu("bar1_total_bytes", "mapped window to the host"),
    gpu("memory_utilization_ratio", "share of the time with memory traffic"),
    gpu("encoder_utilization_ratio", "load of the video encoder"),
    gpu("decoder_utilization_ratio", "load of the video decoder"),
    gpu("temperature_celsius", "temperature of the chip"),
    gpu("temperature_slowdown_margin_celsius", "degrees left until the card slows down"),
    gpu("temperature_slowdown_celsius", "where the card slows down, if it tells"),
    gpu("temperature_shutdown_celsius", "where the card shuts down, if it tells"),
    gpu("memory_temperature_celsius", "temperature of the memory"),
    gpu("fan_speed_ratio", "fan, of its most"),
    gpu("power_watts", "power draw, averaged by the card where it does"),
    gpu("power_instant_watts", "power draw of the moment"),
    gpu("power_limit_watts", "power limit in force"),
    gpu("power_limit_default_watts", "power limit after a reboot"),
    gpu("power_limit_min_watts", "lowest power limit that can be set"),
    gpu("power_limit_max_watts", "highest power limit that can be set"),
    gpu("memory_power_watts", "power draw of the memory"),
    gpu("module_power_watts", "power draw of the module, with its CPU"),
    gpu("sm_clock_hertz", "clock of the multiprocessors"),
    gpu("sm_clock_max_hertz", "highest clock of the multiprocessors"),
    gpu("memory_clock_hertz", "clock of the memory"),
    gpu("memory_clock_max_hertz", "highest clock of the memory"),
    gpu("graphics_clock_hertz", "clock of the graphics engine"),
    gpu("video_clock_hertz", "clock of the video engines"),
    gpu("performance_state", "0 is the fastest, 15 the slowest"),
    gpu("persistence_mode", "1 while the driver stays loaded without a program"),
    gpu("throttle", "1 while the clocks are held back for the reason", "reason"),
    gpu("throttle_seconds_total", "time that they were, since the driver was loaded", "reason"),
    gpu("ecc_enabled", "1 while memory errors are corrected"),
    gpu(
      "ecc_errors_total",
      "memory errors, since the driver was loaded (volatile) or over the card's life (aggregate)",
      "kind",
      "scope",
      "location",
    ),
    gpu("retired_pages", "pages of memory taken out of use", "cause"),
    gpu("remapped_rows", "rows of memory replaced by spare ones", "cause"),
    gpu("row_remap_banks", "banks by how many spare rows they have left", "available"),
    gpu("row_remap_failure", "1 once a row could not be replaced"),
    gpu("reset_pending", "1 while a repair waits for a reset", "for"),
    gpu("recovery_action", "1 for what the driver wants done", "action"),
    gpu("pcie_link_generation", "PCIe generation of the link now, low while idle"),
    gpu("pcie_link_generation_max", "PCIe generation that card and slot can do"),
    gpu("pcie_link_width_lanes", "lanes of the link now"),
    gpu("pcie_link_width_max_lanes", "lanes that the card has"),
    gpu("pcie_replays_total", "PCIe packets sent again"),
    gpu("pcie_transmit_bytes_per_second", "PCIe traffic from the card"),
    gpu("pcie_receive_bytes_per_second", "PCIe traffic to the card"),
    gpu("nvlink_active", "1 while the link is up", "link"),
    gpu("nvlink_bytes_per_second", "speed of all links together"),
    gpu("nvlink_errors_total", "errors of all links together, by the driver's own names", "kind"),
    gpu("fabric_ready", "1 once the card has joined its NVLink fabric in good health"),
    gpu("processes", "processes with a context on the card"),
    gpu("processes_memory_bytes", "memory of all of them"),
    gpu("process_memory_bytes", "memory of one of the eight largest", "pid", "process"),
    gpu("processes_left_out", "processes without a series of their own"),
    gpu("mig_memory_used_bytes", "memory in use in a MIG device", "mig", "gpu_instance"),
    gpu("mig_memory_total_bytes", "memory of a MIG device", "mig", "gpu_instance"),
  ],
  "gpu-memory": [gpu("memory_unowned_bytes", "memory in use that belongs to no living process")],
  xid: [
    gpu("xid_errors_total", "errors that the kernel log told of a card", "xid"),
    reading("nvswitch_sxid_errors_total", "errors that it told of an NVSwitch", "switch", "sxid"),
  ],
  "kernel-log": [
    reading("kernel_log_faults_total", "lines that told of a fault", "kind"),
    reading("kernel_log_lines_total", "lines read since the start"),
    reading("kernel_log_lost_lines_total", "lines overwritten before they could be read"),
    reading("kernel_log_untold_errors_total", "errors counted and not told, beyond the rate"),
  ],
  textfiles: [
    reading("textfile_age_seconds", "age of a metric file", "file"),
    reading("textfile_series", "series of a metric file", "file"),
  ],
  custom: ["seconds", "bytes", "ratio", "value", "count_total"].map((unit) =>
    reading(`custom_check_${unit}`, "performance data of a check of your own", "check", "label"),
  ),
};

export { type ClientTls, type ClientTlsFiles, loadClientTls } from "./client-tls.ts";
export { type ConnectionFault, connectionFault } from "./connection-fault.ts";
export { type HttpAnswer, HttpClient, type HttpQuestion, readBody } from "./http-client.ts";
export { HttpClientError } from "./http-client-error.ts";

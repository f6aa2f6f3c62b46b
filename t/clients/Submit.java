// SPDX-License-Identifier: BSD-2-Clause
//
// A client with Java's own HttpClient, in one file.
//
//     set -a; . build/run/env
//     java t/clients/Submit.java 99001 t/samples/claim-99001.xml
//
// Needs EHR_GATEWAY (URL) and EHR_PKI (a folder with server-ca.pem and the
// facility's .pem and .key; openssl makes a PKCS #12 of these, the form Java
// reads).  Prints the answer; status 0 when it is accepted.

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Submit {

    private static final String GATEWAY = System.getenv("EHR_GATEWAY");
    private static final Path PKI = Path.of(System.getenv("EHR_PKI"));
    private static final char[] PASSWORD = "unused".toCharArray();

    private static KeyStore identity(String facility) throws Exception {
        Path file = Files.createTempFile("ehr", ".p12");

        try {
            Process openssl = new ProcessBuilder("openssl", "pkcs12",
                "-export", "-in", PKI.resolve(facility + ".pem").toString(),
                "-inkey", PKI.resolve(facility + ".key").toString(),
                "-out", file.toString(), "-passout",
                "pass:" + new String(PASSWORD)).inheritIO().start();

            if (openssl.waitFor() != 0) {
                throw new IllegalStateException("openssl pkcs12 failed");
            }

            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, PASSWORD);
            }
            return store;

        } finally {
            Files.delete(file);
        }
    }

    private static KeyStore authorities() throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);

        try (InputStream in
                 = Files.newInputStream(PKI.resolve("server-ca.pem"))) {
            store.setCertificateEntry("server-ca",
                CertificateFactory.getInstance("X.509")
                                  .generateCertificate(in));
        }
        return store;
    }

    private static SSLContext tls(String facility) throws Exception {
        KeyManagerFactory keys = KeyManagerFactory.getInstance(
            KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity(facility), PASSWORD);

        TrustManagerFactory trust = TrustManagerFactory.getInstance(
            TrustManagerFactory.getDefaultAlgorithm());
        trust.init(authorities());

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static String call(HttpClient client, HttpRequest request)
        throws Exception {

        HttpResponse<String> answer
            = client.send(request, HttpResponse.BodyHandlers.ofString());

        if (answer.statusCode() != 200 && answer.statusCode() != 202) {
            System.err.println(answer.statusCode() + "\n" + answer.body());
            System.exit(1);
        }
        return answer.body();
    }

    private static HttpRequest.Builder post(String path, String type) {
        return HttpRequest.newBuilder(URI.create(GATEWAY + path))
                          .header("Content-Type", type);
    }

    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(tls(args[0])).build();

        String said = call(client,
            post("/oauth2/token", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(
                    "grant_type=client_credentials")).build());

        Matcher token = Pattern
            .compile("\"access_token\"\\s*:\\s*\"([^\"]+)\"").matcher(said);
        if (!token.find()) {
            throw new IllegalStateException("no token in the answer");
        }

        String wait = System.getenv().getOrDefault("EHR_WAIT", "0");

        System.out.println(call(client,
            post("/v1/documents", "application/xml")
                .header("Authorization", "Bearer " + token.group(1))
                .header("Prefer", "wait=" + wait)
                .POST(HttpRequest.BodyPublishers.ofFile(Path.of(args[1])))
                .build()));
    }
}

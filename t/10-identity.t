#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Who is there is decided by the connection's certificate alone: by a CA, a
# list of revoked ones, the validity, the purpose, the registry, and that for
# each request; never by a header, and no identity header reaches a partner.

use strict;
use warnings;

use IO::Socket::SSL;
use POSIX ();
use Test::More;

use EHR::Document;
use EHR::Util qw(wait_for slurp);
use EHR::World;

my $world = EHR::World->new(redis => 0, workers => 2);

my %cert = (
    stranger => $world->issue("stranger", ca => "server-ca"),
    expired  => $world->issue("expired", "--start", "20200101000000Z",
                              "--end", "20200201000000Z"),
    future   => $world->issue("future", "--start", "20990101000000Z",
                              "--end", "20990201000000Z"),
    server   => $world->issue("server", "--usage", "serverAuth"),
    revoked  => $world->issue("revoked"),
    unknown  => $world->issue("unknown"),
    second   => $world->issue("second"),
    third    => $world->issue("third"),
);
$world->revoke("revoked");

$world->start;
$world->enrol("99001");
$world->enrol("99002");

sub ask {
    my ($client, @headers) = @_;

    return $client->request("POST", "/oauth2/token",
        headers => [ "Content-Type" => "application/x-www-form-urlencoded",
                     @headers ],
        body => "grant_type=client_credentials");
}

# A certificate is refused by a TLS alert or by an answer.

sub is_refused {
    my ($what, $client, $status, $code) = @_;

    my $res = eval { ask($client) };

    if (!$res) {
        is($code, "cert.required", "$what: refused by TLS");
        return;
    }

    is($res->status, $status, "$what: $status");
    is($res->code, $code, "$what: $code");

    return;
}

# --- certificates ------------------------------------------------------------

is(ask($world->client("99001"))->status, 200, "enrolled: let in");

is_refused("no certificate", $world->client(undef), 400, "cert.required");
is_refused("an unknown CA", $world->client($cert{stranger}), 400,
           "cert.required");
is_refused("expired", $world->client($cert{expired}), 400, "cert.required");
is_refused("not yet valid", $world->client($cert{future}), 400,
           "cert.required");
is_refused("for servers only", $world->client($cert{server}), 400,
           "cert.required");
is_refused("revoked", $world->client($cert{revoked}), 403, "cert.revoked");
is_refused("not enrolled", $world->client($cert{unknown}), 403,
           "cert.unknown");

# The metadata need an identity as little as a token, but a certificate.

is($world->client("99001")->get("/.well-known/jwks.json")->status, 200,
   "public keys for who has a certificate");
is_refused("public keys, no certificate", $world->client(undef), 400,
           "cert.required");

# --- suspension: at once, on every worker, on open connections ---------------

my @open = map { $world->client("99001") } 1 .. 8;
is(scalar(grep { ask($_)->status == 200 } @open), 8, "eight connections");

my $res = $world->admin("POST", "/admin/v1/facilities/99001/suspend",
                        { reason => "test" });
is($res->status, 200, "suspended");

is(scalar(grep { (ask($_)->code || "") eq "facility.suspended" } @open), 8,
   "refused on connections that were open");
is_refused("a new connection", $world->client("99001"), 403,
           "facility.suspended");
is(ask($world->client("99002"))->status, 200, "another facility: let in");

$world->admin("POST", "/admin/v1/facilities/99001/resume", {});
is(scalar(grep { ask($_)->status == 200 } @open), 8, "resumed: let in");

# --- rotation ----------------------------------------------------------------

sub add_certificate {
    my ($path) = @_;

    return $world->admin("POST", "/admin/v1/facilities/99001/certificates",
                         { certificate => slurp($path) });
}

is(add_certificate($cert{second})->status, 201, "a second certificate");
my $second = $world->client($cert{second});
is(ask($second)->status, 200, "the second is let in");
is(ask($open[0])->status, 200, "the first still is");

$res = add_certificate($cert{third});
is($res->status, 409, "a third is one too many");

my $sha256 = $world->sha256_of($world->pki . "/99001.pem");
$res = $world->admin("DELETE",
    "/admin/v1/facilities/99001/certificates/$sha256");
is($res->status, 200, "the first is removed");

is(scalar(grep { (ask($_)->code || "") eq "cert.unknown" } @open), 8,
   "refused on connections that were open");
is(ask($second)->status, 200, "the second is let in");

# A resumed session is not verified again by TLS: the registry is asked.

my $context = IO::Socket::SSL::SSL_Context->new(
    SSL_version => "TLSv1_2",
    SSL_ca_file => $world->pki . "/server-ca.pem",
    SSL_cert_file => $cert{second},
    SSL_key_file => $cert{second} =~ s/pem$/key/r,
    SSL_session_cache_size => 4,
) or die "no context: $SSL_ERROR";

sub resuming {
    return $world->client($cert{second}, ssl => {
        SSL_reuse_ctx => $context,
        SSL_session_key => "gateway",
    });
}

my $client = resuming();
is(ask($client)->status, 200, "a session to resume");
$client->close;

$client = resuming()->connect;
ok($client->socket->get_session_reused, "resumed");
is(ask($client)->status, 200, "resumed: let in");
$client->close;

add_certificate($world->pki . "/99001.pem");
$sha256 = $world->sha256_of($cert{second});
$world->admin("DELETE", "/admin/v1/facilities/99001/certificates/$sha256");

$client = resuming()->connect;
ok($client->socket->get_session_reused, "resumed once more");
is(ask($client)->code, "cert.unknown", "resumed: refused once removed");

# --- the list of revoked ones is read at reload ------------------------------

add_certificate($cert{third});
is(ask($world->client($cert{third}))->status, 200, "not revoked yet");
$world->revoke("third");
$world->reload;
is_refused("revoked meanwhile", $world->client($cert{third}), 403,
           "cert.revoked");

# --- headers say nothing -----------------------------------------------------

my $lie = "gia-mao-99002";
my @lies = map { $_ => $lie } qw(X-SSL-Client-Cert X-SSL-Client-Verify
    X-SSL-Client-S-DN X-SSL-Cert SSL-Client-Cert X-Client-Cert
    X-Forwarded-Client-Cert Client-Cert Client-Cert-Chain X-Client-DN
    X-Forwarded-For X-Real-IP Forwarded X-Facility X-EHR-Facility
    X-Entry X-Request-ID accessToken tokenId passwordHash);

is(ask($world->client($cert{unknown}), @lies)->code, "cert.unknown",
   "headers do not let anybody in");

my $doc = EHR::Document->claim;
$client = $world->client("99001");
$res = $world->submit($client, $doc, @lies, "Prefer" => "wait=20");
is($res->status, 200, "headers do no harm") or diag($res->body);
is($res->json->{facility}, "99001", "the certificate decides");
unlike($res->header("X-Request-Id") || "", qr/$lie/,
       "the request id is ours");

# What the partner really gets, byte for byte: a scripted partner listens
# where the simulator was.

$world->sim->stop;
my $seen = $world->dir . "/seen";
my $partner = partner($world->sim->port, $seen);

$doc = EHR::Document->claim;
$res = $world->submit($client, $doc, @lies, "Prefer" => "wait=20");
is($res->json->{deliveries}[0]{state}, "accepted", "delivered")
    or diag($res->body);
like(slurp($seen), qr/^POST \S*guiHoSoXml/m, "the partner saw the document");
unlike(slurp($seen), qr/$lie/, "no identity header reached the partner");

kill("TERM", $partner);
waitpid($partner, 0);

sub partner {
    my ($port, $seen) = @_;

    my $listener = IO::Socket::SSL->new(
        LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 16,
        ReuseAddr => 1, SSL_server => 1,
        SSL_cert_file => $world->pki . "/insurance.pem",
        SSL_key_file => $world->pki . "/insurance.key",
    ) or die "cannot listen: $!";

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;
    return $pid if $pid;

    while (1) {
        my $socket = $listener->accept or next;
        my $head = "";
        while ($head !~ /\r\n\r\n/) {
            sysread($socket, $head, 65536, length $head) or last;
        }
        my ($n) = $head =~ /^Content-Length: (\d+)/mi;
        my ($start) = $head =~ /^(.*?\r\n\r\n)/s;
        while (length($head) - length($start) < ($n || 0)) {
            sysread($socket, $head, 65536, length $head) or last;
        }

        open(my $file, ">>", $seen) or POSIX::_exit(1);
        print $file $start;
        close($file);

        my $body = '{"maKetQua":"200","maGiaoDich":"T1","APIKey":{'
            . '"access_token":"a","id_token":"b",'
            . '"expires_in":"2099-01-01T00:00:00Z"}}';
        print $socket "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            . "Content-Length: " . length($body)
            . "\r\nConnection: close\r\n\r\n$body";
        $socket->close;
    }
}

# --- TLS ---------------------------------------------------------------------

sub tls {
    my (%ssl) = @_;

    return $world->client("99001", ssl => \%ssl);
}

sub is_spoken {
    my ($what, $version, $cipher, %ssl) = @_;

    my $client = tls(%ssl);
    ok($client->try_connect, "$what: spoken") or diag($client->error);
    return unless $client->is_open;

    like($client->socket->get_sslversion, $version, "$what: version");
    like($client->socket->get_cipher, $cipher, "$what: cipher");
    is(ask($client)->status, 200, "$what: works");

    return;
}

sub is_not_spoken {
    my ($what, %ssl) = @_;

    my $client = tls(%ssl);
    ok(!$client->try_connect, "$what: not spoken");
    like($client->error, qr/alert|no protocols|no ciphers/i,
         "$what: the handshake says so");

    return;
}

is_spoken("TLS 1.3", qr/TLSv1_3/, qr/^TLS_/, SSL_version => "TLSv1_3");
is_spoken("TLS 1.2 with ECDSA", qr/TLSv1_2/, qr/^ECDHE-ECDSA-/,
          SSL_version => "TLSv1_2",
          SSL_cipher_list => "ECDHE-ECDSA-AES128-GCM-SHA256");
is_spoken("TLS 1.2 with RSA", qr/TLSv1_2/, qr/^ECDHE-RSA-/,
          SSL_version => "TLSv1_2",
          SSL_cipher_list => "ECDHE-RSA-AES256-GCM-SHA384");
is_spoken("ChaCha20", qr/TLSv1_2/, qr/CHACHA20/, SSL_version => "TLSv1_2",
          SSL_cipher_list => "ECDHE-RSA-CHACHA20-POLY1305");

is_not_spoken("TLS 1.1", SSL_version => "TLSv1_1",
              SSL_cipher_list => "DEFAULT:\@SECLEVEL=0");
is_not_spoken("TLS 1.0", SSL_version => "TLSv1",
              SSL_cipher_list => "DEFAULT:\@SECLEVEL=0");
is_not_spoken("no forward secrecy", SSL_version => "TLSv1_2",
              SSL_cipher_list => "AES128-GCM-SHA256");
is_not_spoken("CBC", SSL_version => "TLSv1_2",
              SSL_cipher_list => "ECDHE-RSA-AES128-SHA256");

# HTTP/2 is for administrators.

my $h2 = tls(SSL_alpn_protocols => [ "h2", "http/1.1" ])->connect;
isnt($h2->socket->alpn_selected || "", "h2", "gateway: HTTP/1.1");

$h2 = $world->admin_client("admin",
    ssl => { SSL_alpn_protocols => [ "h2", "http/1.1" ] })->connect;
is($h2->socket->alpn_selected, "h2", "admin: HTTP/2");

# --- the admin listener has a CA of its own ----------------------------------

$client = $world->admin_client("99001");
$res = eval { $client->get("/admin/v1/facilities") };
ok(!$res || $res->code eq "cert.required",
   "a hospital's certificate opens nothing at the admin API");

$client = $world->admin_client(
    $world->issue("nobody", ca => "admin-ca"));
$res = $client->get("/admin/v1/facilities");
is($res->status, 403, "an administrator's CA is not enough");

# --- a list of revoked ones that is out of date ------------------------------

$world->expire_crl;
$world->reload;

$res = ask($world->client("99001"));
is($res->status, 503, "nobody gets in");
is($res->code, "cert.unchecked", "for no fault of the certificate");
like($res->header("Retry-After"), qr/^[1-9]/, "and may come again");

isnt(ask($world->client($cert{revoked}))->status, 200,
     "least of all who was revoked");
is(ask($world->client(undef))->code, "cert.required", "no certificate");

$world->revoke("unknown");
$world->reload;
is(ask($world->client("99001"))->status, 200, "a new list lets in");

$world->finish;
done_testing();

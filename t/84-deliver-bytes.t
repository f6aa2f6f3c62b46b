#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What a hospital sent is what the partner receives, byte for byte, and what
# the receipt speaks of; nothing else of the hospital's request goes along.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use IO::Socket::SSL;
use POSIX ();
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id wait_state);
use EHR::Document;
use EHR::Token;
use EHR::Util qw(slurp wait_for);
use EHR::World;

use constant {
    KB          => 1024,
    MB          => 1024 * 1024,
    LARGE_BYTES => 20 * 1024 * 1024,
};

# Documents are made large here by repeating a row, which no rule would pass.

my $world = EHR::World->new(
    partner    => "retry=20ms,100ms",
    validators => [],
);

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001", timeout => 60);


# Rows of the drug table until the document has about that size: a row costs
# its bytes and a third (Base64).

sub claim_of {
    my ($bytes) = @_;

    my $row = qr{(<CHI_TIET_THUOC>.*?</CHI_TIET_THUOC>\s*)}s;
    my $small = EHR::Document->claim(facility => "99001");
    my ($one) = EHR::Document::section($small->bytes, "XML2") =~ $row;
    my $missing = $bytes - length $small->bytes;
    my $more = $missing > 0 ? int($missing * 3 / 4 / length $one) : 0;

    return EHR::Document->claim(facility => "99001", edit => {
        XML2 => sub { $_[0] =~ s/$row/$1 x (1 + $more)/er },
    });
}


sub arrives {
    my ($what, $doc) = @_;

    my $res = $world->submit($client, $doc, "Prefer" => "wait=60");
    my $id = accepted_id($res);
    my $delivery = $res->json->{deliveries}[0];

    is($delivery->{state}, "accepted", "$what: accepted")
        or diag($res->body);

    my ($one) = grep { $_->{document_id} eq $id } $sim->received;

    is($one && sha256_hex($sim->bytes($one)), $doc->sha256,
       "$what: the partner has the same bytes");
    is($res->json->{sha256}, $doc->sha256, "$what: and the answer their hash");
    is(EHR::Token::claims($res->json->{receipt})->{sha256}, $doc->sha256,
       "$what: and the receipt");

    return $id;
}


# --- sizes ------------------------------------------------------------------

# Around 4 kB one section; 16 kB is where parsing and preparing move to a
# thread, 256 kB where bodies go to a file.

arrives("a check-in", EHR::Document->checkin(facility => "99001"));
arrives("a claim of one section",
        EHR::Document->claim(facility => "99001", only => [ "XML1" ]));

arrives("three sections", EHR::Document->claim(facility => "99001",
    only => [ "XML1", "XML2", "XML3" ]));

for my $size (21 * KB, 64 * KB, 200 * KB, 256 * KB, 300 * KB, MB) {
    arrives($size / KB . " kB", claim_of($size));
}

my $large = claim_of(LARGE_BYTES);
cmp_ok(length $large->bytes, ">", 19 * MB, "a document of 20 MB");
arrives("20 MB", $large);


# --- bytes that a careless hand would change --------------------------------

sub checkin_with {
    my ($change) = @_;

    return EHR::Document->checkin(facility => "99001", whole => $change);
}

arrives("CR LF at the ends of lines", checkin_with(sub {
    $_[0] =~ s/\n/\r\n/gr;
}));

arrives("no declaration, a byte order mark", checkin_with(sub {
    "\xef\xbb\xbf" . $_[0] =~ s/^<\?xml[^>]*>\s*//r;
}));

arrives("blanks, comments, CDATA, references", checkin_with(sub {
    $_[0] =~ s{(<HO_TEN>)([^<]*)(</HO_TEN>)}
              {<!-- + / = & %2B -->\n\t$1<![CDATA[$2]]>&#32;$3}r
        . "\n\n<!-- the end -->   \n";
}));

arrives("decomposed letters", checkin_with(sub {
    $_[0] =~ s{(<DIA_CHI>)[^<]*}{${1}Ha\xcc\x80 No\xcc\xa3\xcc\x82i}r;
}));


# --- chunked, kept alive, with a digest: the same bytes ---------------------

my $doc = EHR::Document->claim(facility => "99001");
my $res = $client->request("POST", "/v1/documents",
    headers => [ "Authorization" => "Bearer $client->{token}",
                 "Content-Type" => "text/xml; charset=utf-8",
                 "Content-Digest" => $doc->digest,
                 "Prefer" => "wait=10" ],
    body => $doc->bytes, chunked => 1);

my $id = accepted_id($res);
my ($one) = grep { $_->{document_id} eq $id } $sim->received;
is(sha256_hex($sim->bytes($one)), $doc->sha256, "chunked: the same bytes");

$res = $world->get($client, "/v1/documents/$id/content");
is($res->body, $doc->bytes, "and so the sender gets them back");

$world->finish;


# --- what goes along --------------------------------------------------------

# A partner of our own that keeps the heads of the requests.

my $seen;

$world = EHR::World->new(sim => 0, partner => "retry=20ms,100ms");
$world->start;
$world->enrol("99001");
$seen = $world->dir . "/heads";

sub read_request {
    my ($socket) = @_;

    my $request = "";

    while ($request !~ /\r\n\r\n/) {
        sysread($socket, $request, 65536, length $request) or return undef;
    }

    my ($head) = $request =~ /^(.*?\r\n\r\n)/s;
    my ($length) = $head =~ /^content-length: (\d+)/mi;

    while (length($request) < length($head) + ($length || 0)) {
        sysread($socket, $request, 65536, length $request) or return undef;
    }

    return $head;
}

sub answer {
    my ($socket) = @_;

    while (my $head = read_request($socket)) {
        open(my $file, ">>", $seen);
        print $file $head;
        close($file);

        my $body = $head =~ m{^POST /api/token/take }
            ? '{"maKetQua":"200","APIKey":{"access_token":"a","id_token":"b",'
              . '"expires_in":"600"}}'
            : '{"maKetQua":"200","maGiaoDich":"X-1"}';

        print $socket "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            . "Content-Length: " . length($body) . "\r\n\r\n$body";
    }

    return;
}

my $server = IO::Socket::SSL->new(
    LocalAddr     => "127.0.0.1",
    LocalPort     => $world->port("nobody"),
    ReuseAddr     => 1,
    Listen        => 10,
    SSL_cert_file => $world->pki . "/insurance.pem",
    SSL_key_file  => $world->pki . "/insurance.key",
) or die "cannot listen: $SSL_ERROR";

my $pid = fork();
die "cannot fork: $!" unless defined $pid;

if ($pid == 0) {
    while (1) {
        my $socket = $server->accept or next;
        answer($socket);
    }
}

$client = $world->client("99001");
$client->{token} = $world->token($client);

$doc = EHR::Document->claim(facility => "99001", only => [ "XML1" ]);
$res = $client->request("POST", "/v1/documents",
    headers => [
        "Authorization"     => "Bearer $client->{token}",
        "Content-Type"      => "application/xml",
        "Prefer"            => "wait=10",
        "Idempotency-Key"   => "khoa-bi-mat",
        "Cookie"            => "phien=bi-mat",
        "User-Agent"        => "his-bi-mat",
        "Accept-Language"   => "vi",
        "X-Forwarded-For"   => "198.51.100.7",
        "X-SSL-Client-Cert" => "bi-mat",
        "Client-Cert"       => ":YmktbWF0:",
        "X-Request-Id"      => "bi-mat",
        "accessToken"       => "bi-mat",
        "traceparent"       => "00-" . "a" x 32 . "-" . "b" x 16 . "-01",
    ],
    body => $doc->bytes);

is($res && $res->json->{deliveries}[0]{state}, "accepted",
   "a partner that looks at headers gets the document");

my @heads = split(/(?<=\r\n\r\n)/, slurp($seen));
is(scalar(@heads), 2, "a log-in and a document");

my %names;
for my $head (@heads) {
    $names{lc $1} = 1 while $head =~ /^([^:\s]+): /mg;
}

is_deeply([ sort keys %names ],
          [ sort qw(host content-type content-length accesstoken tokenid
                    passwordhash x-request-id) ],
          "with the headers of the protocol and no others");

my ($request_id) = $heads[1] =~ /^x-request-id: (\S+)\r$/mi;
is($request_id, $res->json->{id}, "x-request-id is our id, not the sender's");
unlike(join("", @heads), qr/bi-mat|YmktbWF0|Bearer|198\.51\.100/,
       "nothing of the hospital's headers goes along");
like($heads[1], qr/^accessToken: a\r$/m, "and accessToken is the session's");

kill("TERM", $pid);
waitpid($pid, 0);

$world->finish;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# ehrctl: every verb against a real gateway, tables and JSON, exit status 0, 1
# and 2, Vietnamese and English; it verifies the server, never sends a private
# key, and tells a good receipt from a changed one.

use strict;
use warnings;

use IO::Socket::SSL;
use JSON::PP ();
use POSIX ();
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(build slurp spew);
use EHR::World;

my $world = EHR::World->new(sim => 0, redis => 0);
$world->start;

my $pki = $world->pki;
my $dir = $world->dir;

delete @ENV{grep { /^EHR_(ADMIN|PKI)/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";


# Status, standard output, standard error.

sub ehrctl {
    my (@words) = @_;

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDIN, "<", "$dir/in") or open(STDIN, "<", "/dev/null");
        open(STDOUT, ">", "$dir/out");
        open(STDERR, ">", "$dir/err");
        exec(build() . "/ehrctl", @words) or POSIX::_exit(127);
    }

    waitpid($pid, 0);

    return ($? & 127 ? "signal $?" : $? >> 8, slurp("$dir/out"),
            slurp("$dir/err"));
}


sub decode { return JSON::PP->new->utf8->decode($_[0]) }


# --- command line -----------------------------------------------------------

my ($status, $out, $err) = ehrctl("--version");
is($status, 0, "--version");
like($out, qr/^ehrctl \d+\.\d+\.\d+$/, "says which");

($status, $out) = ehrctl("--help");
is($status, 0, "--help");

my @verbs = map { [ split(/ /) ] }
            $out =~ /^  ((?:facility|receipt) [a-z-]+)/mg;
is(scalar(@verbs), 8, "lists the verbs");

for my $verb (@verbs) {
    ($status, $out) = ehrctl(@$verb, "--help");
    is($status, 0, "@$verb --help");
    like($out, qr/^usage: ehrctl @$verb\b/, "is about @$verb");
}

my @server = ("--server", "https://localhost:1");

for my $words (
    [], [ "facility" ], [ "facility", "fly" ], [ "facility", "list", "x" ],
    [ "facility", "show" ], [ "facility", "show", "1", "2" ],
    [ "facility", "list", "--color" ], [ "facility", "list", "--output" ],
    [ "facility", "list", "--output=xml" ],
    [ "facility", "list", "--dry-run" ], [ "facility", "add", "99001" ],
    [ "facility", "suspend", "99001" ], [ "facility", "list" ],
    [ "facility", "list", @server ],
    [ "facility", "list", @server, @server ],
    [ "receipt", "verify", "x" ],
    [ "receipt", "verify", "x", "--key", "a", "--jwks", "b" ],
) {
    ($status, $out, $err) = ehrctl(@$words);
    is($status, 2, "usage: @$words");
    like($err, qr/^ehrctl: /, "is explained");
}

$ENV{EHR_ADMIN} = "https://localhost:" . $world->port("admin");
$ENV{EHR_PKI} = $pki;

is((ehrctl("facility", "show", "9/1"))[0], 2, "a code is no path");
is((ehrctl("facility", "resume", "99001", "--if-match", "x"))[0], 2,
   "a version is a number");


# --- verbs ------------------------------------------------------------------

my $name = "B\xe1\xbb\x87nh vi\xe1\xbb\x87n \xc4\x90a khoa";

($status, $out, $err) = ehrctl("facility", "add", "99001", "--name", $name,
    "--rate=90r/m", "--kinds", "claim,checkin", "--dry-run");
is($status, 0, "a dry run") or diag($err);
like($err, qr/nothing was changed/, "says that it is one");

($status, $out) = ehrctl("facility", "list", "--output", "json");
is_deeply(decode($out), { facilities => [], next_cursor => undef },
          "and changes nothing");

($status, $out, $err) = ehrctl("facility", "add", "99001", "--name", $name,
    "--rate=90r/m", "--kinds", "claim,checkin", "--output=json");
is($status, 0, "a facility is added");
is(decode($out)->{rate}, "90r/m", "as asked for");
is(scalar(@{decode($out)->{kinds}}), 2, "with its kinds");

($status, $out, $err) = ehrctl("facility", "add", "99001", "--name", "x");
is($status, 1, "not twice");
like($err, qr/\[conflict\]/, "with the code of the refusal");
like($err, qr/enrolled already/, "in English");

{
    local $ENV{LC_ALL} = "vi_VN.UTF-8";

    ($status, $out, $err) = ehrctl("facility", "add", "99001", "--name", "x");
    like($err, qr/\xc4\x91\xc4\x83ng k\xc3\xbd/, "or in Vietnamese");

    ($status, $out) = ehrctl("facility", "list");
    like($out, qr/^M\xc3\x83 +T\xc3\x8aN/, "so are the labels");
}

($status, $out, $err) = ehrctl("facility", "add", "99002", "--name", "x",
                               "--rate", "fast", "--burst", 0);
is($status, 1, "a wrong facility is refused");
like($err, qr/rate: .*\[rate\.invalid\]/, "by member");
like($err, qr/burst: .*\[burst\.range\]/, "all at once");

is((ehrctl("facility", "add", "99002", "--name", "Tram y te"))[0], 0,
   "another one");

($status, $out) = ehrctl("facility", "list");
my @lines = split(/\n/, $out);
is(scalar(@lines), 3, "the table has a line for each");
utf8::decode($_) for @lines;
is(index($lines[1], "active"), index($lines[0], "STATE"),
   "columns are aligned by characters");
is(index($lines[2], "active"), index($lines[0], "STATE"),
   "with and without accents");

my $cert = "$pki/99001.pem";
is((ehrctl("facility", "cert-add", "99001", $cert))[0], 0,
   "a certificate is added");

spew("$dir/both.pem", slurp($cert) . slurp("$pki/99001.key"));
($status, $out, $err) = ehrctl("facility", "cert-add", "99001",
                               "$dir/both.pem", "--server",
                               "https://localhost:1");
is($status, 1, "a file with a private key is refused");
like($err, qr/private key, not sent/, "before anything is sent");

is((ehrctl("facility", "cert-add", "99001", "$dir/none.pem"))[0], 1,
   "a file that is not there");

($status, $out) = ehrctl("facility", "show", "99001");
is($status, 0, "it is shown");
like($out, qr/^Certificate: +@{[ $world->sha256_of($cert) ]}$/m,
     "with its certificate");
like($out, qr/^ +CN=/m, "what is told of it is under it");

($status, $out, $err) = ehrctl("facility", "suspend", "99001", "--reason",
                               "x", "--if-match", 1);
is($status, 1, "an old version");
like($err, qr/\[precondition\.failed\]/, "is refused");

($status, $out) = ehrctl("facility", "suspend", "99001", "--reason",
                         "khong dong phi", "--if-match", 2);
is($status, 0, "the present one is not");
like($out, qr/^State: +suspended$/m, "it is suspended");
like($out, qr/^Reason: +khong dong phi$/m, "with the reason");

($status, $out) = ehrctl("facility", "resume", "99001");
like($out, qr/^State: +active$/m, "and resumed");

($status, $out) = ehrctl("facility", "cert-remove", "99001", $cert);
is($status, 0, "a certificate is removed by its file");
($status, $out, $err) = ehrctl("facility", "cert-remove", "99001",
                               $world->sha256_of($cert));
is($status, 1, "and is not there by its digest then");

is((ehrctl("facility", "show", "99009"))[0], 1, "an unknown facility");


# --- pages ------------------------------------------------------------------

$world->admin("POST", "/admin/v1/facilities",
              { code => sprintf("T%03d", $_), name => "a" }) for 1 .. 120;

($status, $out) = ehrctl("facility", "list", "--output", "json");
is(scalar(@{decode($out)->{facilities}}), 122, "a list goes over all pages");


# --- the server is verified -------------------------------------------------

($status, $out, $err) = ehrctl("facility", "list", "--ca",
                               "$pki/hospital-ca.pem");
is($status, 1, "a server of another CA");
like($err, qr/server's certificate/, "is not trusted");

is((ehrctl("facility", "list", "--server",
           "https://127.0.0.1:" . $world->port("admin")))[0], 0,
   "its address is in its certificate");

($status, $out, $err) = ehrctl("facility", "list", "--cert", $cert, "--key",
                               "$pki/99001.key");
is($status, 1, "a hospital is no administrator");

($status, $out, $err) = ehrctl("facility", "list", "--key",
                               "$pki/99002.key");
is($status, 1, "certificate and key belong together");

($status, $out, $err) = ehrctl("facility", "list", "--server",
                               "http://localhost");
like($err, qr/no https URL/, "nothing goes over plain HTTP");


# --- a server that is not ours ----------------------------------------------

# What one answer, byte for byte, makes of "facility list".

sub against {
    my ($answer, %o) = @_;

    my $cert = $o{cert} || "$pki/server-ecdsa.pem";
    my $listen = IO::Socket::SSL->new(
        LocalAddr     => "127.0.0.1",
        Listen        => 1,
        SSL_server    => 1,
        SSL_cert_file => $cert,
        SSL_key_file  => $cert =~ s/pem$/key/r,
        Timeout       => 20,
    ) or die "cannot listen: $!";

    my $port = $listen->sockport;
    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        my $peer = $listen->accept or POSIX::_exit(1);
        my $text = "";

        while ($text !~ /\r\n\r\n/) {
            sysread($peer, $text, 65536, length $text) or last;
        }

        print $peer $answer;
        $peer->flush;
        $peer->close(SSL_no_shutdown => $o{rude} ? 1 : 0);
        POSIX::_exit(0);
    }

    close($listen);
    my @said = ehrctl("facility", "list", "--output", "json", "--server",
                      "https://localhost:$port");
    waitpid($pid, 0);

    return @said;
}

my $list = '{"facilities":[],"next_cursor":null}';
my $head = "HTTP/1.1 200 OK\r\n";
my $length = "Content-Length: " . length($list) . "\r\n";

for (
    [ "by length", "$head$length\r\n$list" ],
    [ "by length, cut off rudely behind it", "$head$length\r\n$list",
      rude => 1 ],
    [ "in chunks", "${head}Transfer-Encoding: chunked\r\n\r\n"
      . "5\r\n" . substr($list, 0, 5) . "\r\n"
      . sprintf("%x;a=b\r\n", length($list) - 5) . substr($list, 5)
      . "\r\n0\r\n\r\n" ],
    [ "by the end", "$head\r\n$list" ],
    [ "after an interim answer",
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n$head$length\r\n$list" ],
) {
    my ($what, $answer, %o) = @$_;

    ($status, $out, $err) = against($answer, %o);
    is($status, 0, "an answer framed $what") or diag($err);
}

for (
    [ "cut by length", "${head}Content-Length: 99\r\n\r\n$list" ],
    [ "cut in a chunk",
      "${head}Transfer-Encoding: chunked\r\n\r\nff\r\n$list" ],
    [ "cut without the last chunk",
      "${head}Transfer-Encoding: chunked\r\n\r\n24\r\n$list\r\n" ],
    [ "cut at the end", "$head\r\n$list", rude => 1 ],
    [ "framed twice", "$head${length}Transfer-Encoding: chunked\r\n\r\n"
      . "0\r\n\r\n" ],
    [ "of two lengths", "$head$length$length\r\n$list" ],
    [ "of a negative length", "${head}Content-Length: -1\r\n\r\n$list" ],
    [ "of a huge length",
      "${head}Content-Length: 99999999999999999999\r\n\r\n$list" ],
    [ "without headers' end", "$head$length" ],
    [ "that is none", "SSH-2.0-OpenSSH_9.2\r\n" ],
    [ "that is empty", "" ],
    [ "that is HTML", "$head\r\n<html></html>" ],
    [ "that is a list", "$head\r\n[]" ],
    [ "with a status of 500", "HTTP/1.1 500 Oops\r\n\r\n$list" ],
    [ "with a redirect",
      "HTTP/1.1 302 Found\r\nLocation: http://a/\r\n\r\n$list" ],
) {
    my ($what, $answer, %o) = @$_;

    ($status, $out, $err) = against($answer, %o);
    is($status, 1, "an answer $what");
    like($err, qr/^ehrctl: /, "is explained");
}

my $elsewhere = $world->issue("elsewhere", ca => "server-ca", "--cn",
    "elsewhere", "--san", "DNS:elsewhere", "--usage", "serverAuth");

($status, $out, $err) = against("$head$length\r\n$list",
                                cert => $elsewhere);
is($status, 1, "a server of the same CA with another name");
like($err, qr/hostname mismatch/i, "is not the one that was meant");

($status, $out, $err) = against("HTTP/1.1 409 Conflict\r\n\r\n"
    . '{"title":"a\u001b[31mb\u0085c","code":"x"}');
unlike($err, qr/\x1b|\xc2\x85/, "no control character reaches the terminal");


# --- receipts ---------------------------------------------------------------

$world->enrol("99008", cert => "99002", name => "a");

my $doc = EHR::Document->claim(facility => "99008");
my $hospital = $world->client("99002");
my $res = $world->submit($hospital, $doc);
is($res->status, 202, "a document is accepted") or diag($res->body);

my $receipt = $res->json->{receipt};
spew("$dir/answer.json", $res->body);
spew("$dir/receipt.jws", "$receipt\n");
spew("$dir/jwks.json", $hospital->get("/.well-known/jwks.json")->body);

my @keys = ("--jwks", "$dir/jwks.json");

($status, $out, $err) = ehrctl("receipt", "verify", "$dir/receipt.jws",
                               @keys);
is($status, 0, "a receipt is valid") or diag($err);
like($out, qr/^The receipt is valid$/m, "which is said");
like($out, qr/^SHA-256: +@{[ $doc->sha256 ]}$/m, "of these bytes");

($status, $out) = ehrctl("receipt", "verify", "$dir/answer.json", @keys,
                         "--output", "json");
is($status, 0, "the gateway's whole answer is taken, too");
is(decode($out)->{id}, $res->json->{id}, "for the same document");
is(decode($out)->{facility}, "99008", "of the facility");

spew("$dir/in", $receipt);
is((ehrctl("receipt", "verify", "-", @keys))[0], 0, "or the standard input");

is((ehrctl("receipt", "verify", "$dir/receipt.jws", "--key",
           "$pki/receipt.pem"))[0], 0, "or a key in PEM");
is((ehrctl("receipt", "verify", "$dir/receipt.jws", "--key",
           "$pki/token-issuer.pem"))[0], 1, "another key is not the one");

my ($first, $second, $third) = split(/\./, $receipt);
(my $changed = $second) =~ s/^(.{9})(.)/$1 . ($2 eq "A" ? "B" : "A")/e;

for ("$first.$changed.$third", "$first.$second.", "$first.$second", "", "{}",
     $hospital->{token})
{
    spew("$dir/receipt.jws", $_);
    ($status, $out, $err) = ehrctl("receipt", "verify", "$dir/receipt.jws",
                                   @keys);
    is($status, 1, "a changed receipt is not valid");
    like($err, qr/NOT valid/, "which is said");
}

$world->finish;
done_testing();

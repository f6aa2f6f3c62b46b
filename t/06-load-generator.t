#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# ehr-load sends what it says: every document is another one inside its
# sections too, the ledger tells the bytes that left, lost connections are
# made up for with the same bytes, and wrong answers are counted as wrong.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(build free_port slurp spew wait_for);

use constant DOCUMENTS => 200;

my $dir = build() . "/t/run/load-generator.$$";
my $port = free_port();

make_path(map { "$dir/$_" } qw(logs kept tmp));


# A claim whose sections have all three lengths of Base64's padding, with the
# marker at all three places of its groups.

my $key = "MARKER-0123456789ABC";

sub section {
    my ($name, $before, $after) = @_;

    my $xml = "<X>$before<MA_LK>$key</MA_LK>$after</X>";

    return "<FILEHOSO><LOAIHOSO>$name</LOAIHOSO><NOIDUNGFILE>"
        . encode_base64($xml, "") . "</NOIDUNGFILE></FILEHOSO>\n";
}

my $n = 0;
my $claim = "<GIAMDINHHS>$key\n"
    . join("", map { my $i = $_; map { section("XML" . ++$n, "a" x $i,
                                               "b" x $_) } 0 .. 2 } 0 .. 2)
    . "</GIAMDINHHS>\n";

spew("$dir/claim.xml", $claim);


# A stock nginx that keeps what it receives.

spew("$dir/nginx.conf", <<"EOT");
${\($> == 0 ? "user root;" : "")}
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/logs/error.log;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $dir/kept;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    keepalive_requests 30;
    server {
        listen 127.0.0.1:$port;
        location /keep {
            client_body_in_file_only on;
            proxy_pass http://127.0.0.1:$port/first;
        }
        location /first { return 202 '{"id":"0193", "duplicate":false}'; }
        location /again { return 200 '{ "duplicate" : true, "id":"0194"}'; }
        location /busy { return 503; }
        location /wrong { return 422; }
    }
}
EOT

my $master = fork();
die "cannot fork: $!" unless defined $master;

if ($master == 0) {
    open(STDOUT, ">", "$dir/logs/nginx.log");
    open(STDERR, ">&", \*STDOUT);
    $ENV{PATH} .= ":/usr/sbin";
    exec("nginx", "-p", $dir, "-e", "$dir/logs/error.log", "-c",
         "$dir/nginx.conf", "-g", "daemon off;") or POSIX::_exit(127);
}

END {
    my $status = $?;
    if ($master) {
        kill("TERM", $master);
        waitpid($master, 0);
        remove_tree($dir) if $dir && $status == 0;
    }
    $? = $status;
}

ok(wait_for(10, sub {
    IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port)
}), "nginx listens");


# Gives the exit status and what --json printed.

sub load {
    my (@options) = @_;

    my $path = pop @options;
    my $out = "$dir/out.json";
    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDOUT, ">", $out);
        open(STDERR, ">", "$dir/logs/load.log");
        exec(build() . "/ehr-load", "--json", @options,
             "http://127.0.0.1:$port$path") or POSIX::_exit(127);
    }

    waitpid($pid, 0);

    return ($? >> 8, eval { JSON::PP->new->decode(slurp($out)) });
}


sub ledger {
    return map { [ split / / ] } split(/\n/, slurp("$dir/ledger"));
}


# --- unique documents -------------------------------------------------------

my ($status, $result) = load("--template", "$dir/claim.xml", "--connections",
    4, "--requests", DOCUMENTS, "--threads", 2, "--ledger", "$dir/ledger",
    "/keep");

is($status, 0, "every answer was right");
is($result->{answers}, DOCUMENTS, "as many answers as documents");
is($result->{by_status}{202}, DOCUMENTS, "counted by status");
is($result->{errors}{lost}, 0,
   "a connection that the server ends in time is no fault");

my %sent = map { $_->[1] => $_ } ledger();
my %kept = map { my $bytes = slurp($_); sha256_hex($bytes) => $bytes }
           glob("$dir/kept/*");

is(scalar(keys %sent), DOCUMENTS, "the ledger has as many digests");
is_deeply([sort keys %kept], [sort keys %sent],
          "the digests are of the bytes that arrived");

my $bad = 0;

for my $sha (keys %kept) {
    my $unique = $sent{$sha}[0] // "";

    (my $expected = $claim) =~ s{(<NOIDUNGFILE>)([^<]+)}{
        my ($tag, $xml) = ($1, decode_base64($2));
        $tag . encode_base64($xml =~ s/$key/$unique/gr, "")
    }ge;
    $expected =~ s/$key/$unique/g;

    $bad++ unless $kept{$sha} eq $expected;
}

is($bad, 0, "the key is replaced in every section, and nothing else is");
is(scalar(keys %{{ map { $_->[0] => 1 } values %sent }}), DOCUMENTS,
   "no key occurs twice");
is((values %sent)[0][3], "0193", "the ledger tells the id");
is((values %sent)[0][4], "first", "and that it is no duplicate");


# --- twins ------------------------------------------------------------------

($status, $result) = load("--template", "$dir/claim.xml", "--connections", 3,
    "--requests", 50, "--twins", "--ledger", "$dir/ledger", "/again");

my %twice;
$twice{"$_->[0] $_->[1]"}++ for ledger();

is($status, 0, "twins are answered");
is($result->{duplicates}, 100, "an answer may say that it is a duplicate");
is(scalar(grep { $_ == 2 } values %twice), 50,
   "each document is sent twice with the same bytes");


# --- schedule ---------------------------------------------------------------

($status, $result) = load("--connections", 4, "--requests", 40, "--rate", 100,
                          "/again");

is($result->{answers}, 40, "a schedule ends with its last document");
cmp_ok($result->{seconds}, ">=", 0.38,
       "a fixed rate is not faster than it was asked to be");


# --- what is wrong ----------------------------------------------------------

($status, $result) = load("--requests", 3, "/wrong");
is_deeply([$status, $result->{unexpected}], [1, 3],
          "an unexpected status fails the run");

($status) = load("--requests", 3, "--expect-status", 422, "/wrong");
is($status, 0, "unless it is expected");

($status, $result) = load("--requests", 2, "--retry", 3, "/busy");
is_deeply([$status, $result->{retries}, $result->{by_status}{503}],
          [1, 6, 8], "503 is tried again, and not for ever");

my $nobody = free_port();
my $program = build() . "/ehr-load";

is(system("$program --requests 1 http://127.0.0.1:$nobody/ >/dev/null") >> 8,
   1, "nobody listens");
is(system("$program --requests 1 http://192.0.2.1/ 2>/dev/null") >> 8, 2,
   "other machines are refused");
is(system("$program --requests 1 2>/dev/null") >> 8, 2, "a URL is needed");
is(system("$program http://127.0.0.1:$port/ 2>/dev/null") >> 8, 2,
   "an end is needed");
is(system("$program --help >/dev/null") >> 8, 0, "help is no fault");


# --- lost connections -------------------------------------------------------

my $pid = fork();
die "cannot fork: $!" unless defined $pid;

if ($pid == 0) {
    my $children = "/proc/$master/task/$master/children";

    for (1 .. 5) {
        sleep(0.1);
        kill("KILL", split(/ /, slurp($children)));
    }

    POSIX::_exit(0);
}

($status, $result) = load("--template", "$dir/claim.xml", "--connections", 8,
    "--seconds", 1, "--retry", 100, "--twins", "--ledger", "$dir/ledger",
    "/again");
waitpid($pid, 0);

%twice = ();
$twice{"$_->[0] $_->[1]"}++ for ledger();

is($status, 0, "killed workers fail no document");
cmp_ok($result->{retries}, ">", 0, "some were sent again");
is(scalar(grep { $_ != 2 } values %twice), 0, "with the same bytes");

done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Documents lie sealed in the journal: nothing of them can be read there, a
# changed or exchanged one is held and never sent, and a key that is not
# configured holds its documents until it is back.

use strict;
use warnings;

use Test::More;

use EHR::Document;
use EHR::Util qw(run slurp spew wait_for);
use EHR::World;


sub sql {
    my ($world, $sql) = @_;

    run("sqlite3", "-cmd", ".timeout 5000", $world->journal, $sql);
    return;
}

sub new_key {
    my ($world, $name) = @_;

    my $path = $world->dir . "/$name.key";
    open(my $random, "<:raw", "/dev/urandom") or die $!;
    read($random, my $bytes, 32) == 32 or die "no random bytes";
    spew($path, unpack("H*", $bytes) . "\n", 0600);
    return $path;
}

sub delivery {
    my ($world, $client, $id) = @_;

    return $world->wait_settled($client, $id, 20)->{deliveries}[0];
}


my $world = EHR::World->new(workers => 1);
my ($old, $new) = map { new_key($world, $_) } qw(old new);
$world->{o}{store_keys} = [ $old ];

# --- what nginx -t says -----------------------------------------------------

my ($is_good, $said) = $world->nginx_t(store_keys => []);
ok($is_good, "without a key it starts");
like($said, qr/no "ehr_store_key": documents lie in clear/, "and warns");

($is_good, $said) = $world->nginx_t(store_keys => [ $old ]);
unlike($said, qr/ehr_store_key/, "with one there is nothing to say");

chmod(0644, $new);
($is_good, $said) = $world->nginx_t(store_keys => [ $new ]);
ok(!$is_good, "a key that others may read is refused");
like($said, qr/chmod 0600/, "with what to do");
chmod(0600, $new);

spew($world->dir . "/no.key", "not a key\n", 0600);
($is_good, $said) = $world->nginx_t(store_keys => [ $world->dir . "/no.key" ]);
ok(!$is_good && $said =~ /is not a key/, "what is no key is refused");
($is_good, $said) = $world->nginx_t(store_keys => [ $old, $old ]);
ok(!$is_good && $said =~ /there already/, "a key twice is refused");

$world->start;
$world->enrol("99001");
my $client = $world->client("99001");

# --- sealed, and given back --------------------------------------------------

my $doc = EHR::Document->claim(facility => "99001");
my $res = $world->submit($client, $doc, "Prefer" => "wait=10");
is($res->status, 200, "a claim is delivered");
my $id = $res->json->{id};

$res = $world->get($client, "/v1/documents/$id/content");
is($res->body, $doc->bytes, "its sender gets it back byte for byte");

my $files = join("", map { -e $_ ? slurp($_) : "" }
                     map { $world->journal . $_ } "", "-wal");
my ($xml1) = $doc->bytes =~ m{<NOIDUNGFILE>([A-Za-z0-9+/=\s]{200})};
ok($xml1, "the document has a section to look for");
is(index($files, substr($xml1, 40, 60)), -1, "no part of it is in the files");
is(index($files, "GIAMDINHHS"), -1, "nor its root element");

# --- tampering ---------------------------------------------------------------

$world->allow(qr/content of a document .* delivery held/);
$world->allow(qr/content of a document was damaged/);

sub row { return "(SELECT seq FROM submissions WHERE id = '$_[0]')" }

$world->sim->mode("http-500");
my @ids = map {
    $world->submit($client, EHR::Document->claim(facility => "99001"))
          ->json->{id}
} 1 .. 3;

# Not while an attempt holds the bytes.
$world->stop;
sql($world, "UPDATE contents SET bytes = zeroblob(100)"
            . " WHERE seq = " . row($ids[0]));
sql($world, "UPDATE contents SET bytes = (SELECT c.bytes FROM contents AS c"
            . " WHERE c.seq = " . row($ids[2]) . ") WHERE seq = "
            . row($ids[1]));
$world->sim->mode("normal");
$world->restart;
$client = $world->client("99001");

for my $i (0, 1) {
    my $dlv = delivery($world, $client, $ids[$i]);
    is("$dlv->{state} $dlv->{reason}", "held content.damaged",
       "a changed one is held");
}
is(delivery($world, $client, $ids[2])->{state}, "accepted",
   "the one beside it is delivered");
like($world->log("error"),
     qr/\[alert\].*\ was\ damaged\ or\ changed\ in\ the\ journal,
        \ delivery\ held:\ partner=insurance\ document=$ids[0]/x,
     "and the log is loud");

$res = $world->get($client, "/v1/documents/$ids[0]/content");
is($res->status, 500, "nor does its sender get garbage");

# --- a key that is not there, and is back ------------------------------------

$world->sim->mode("http-500");
my $away = $world->submit($client,
                          EHR::Document->claim(facility => "99001"))
                 ->json->{id};
$world->reconfigure(store_keys => [ $new ]);
$world->sim->mode("normal");
$client = $world->client("99001");
my $dlv = delivery($world, $client, $away);
is("$dlv->{state} $dlv->{reason}", "held config.store-key",
   "without its key a delivery is held");

$world->reconfigure(store_keys => [ $new, $old ]);
$client = $world->client("99001");
ok(wait_for(15, sub {
    $world->get($client, "/v1/documents/$away")->json
          ->{deliveries}[0]{state} eq "accepted"
}), "with its key it is delivered");

$world->finish;
done_testing();

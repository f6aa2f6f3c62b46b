#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The clients hospitals have: curl, Python's http.client, Node's https and
# Java's HttpClient each get a token and submit a document, which arrives at
# the partner byte for byte; a wrong document ends each of them with status 1.

use strict;
use warnings;

use JSON::PP ();
use Test::More;

use EHR::Document;
use EHR::Util qw(top slurp spew);
use EHR::World;

my %clients = (
    curl   => [ top() . "/t/clients/submit.sh" ],
    python => [ "python3", top() . "/t/clients/submit.py" ],
    node   => [ "node", top() . "/t/clients/submit.mjs" ],
    java   => [ "java", top() . "/t/clients/Submit.java" ],
);

my $world = EHR::World->new->start;
$world->enrol("99001");

# Gives the exit status and the output.

sub client {
    my ($name, $doc) = @_;

    my $file = $world->dir . "/$name.xml";
    my $said = $world->dir . "/$name.out";
    spew($file, $doc->bytes);

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        # by address: Node 18 goes to the first that "localhost" means

        $ENV{EHR_GATEWAY} = "https://127.0.0.1:" . $world->port("gateway");
        $ENV{EHR_PKI} = $world->pki;
        $ENV{EHR_WAIT} = 20;
        open(STDIN, "<", "/dev/null");
        open(STDOUT, ">", $said);
        open(STDERR, ">>", "$said.err");
        exec(@{$clients{$name}}, "99001", $file) or exit(127);
    }

    waitpid($pid, 0);

    return ($? >> 8, slurp($said), slurp("$said.err"));
}

for my $name (sort keys %clients) {
    my $doc = EHR::Document->claim;
    my ($status, $said, $errors) = client($name, $doc);
    my $answer = eval { JSON::PP->new->utf8->decode($said) } || {};

    is($status, 0, "$name submits") or diag($said, $errors);
    is($answer->{sha256}, $doc->sha256, "$name: the receipt's digest");
    is($answer->{deliveries}[0]{state}, "accepted", "$name: delivered");

    my ($there) = grep { $_->{sha256} eq $doc->sha256 }
                  $world->sim->received;
    ok($there && $world->sim->bytes($there) eq $doc->bytes,
       "$name: byte for byte at the partner");

    ($status) = client($name, EHR::Document->raw("<GIAMDINHHS"));
    isnt($status, 0, "$name tells a refusal");
}

$world->finish;
done_testing();

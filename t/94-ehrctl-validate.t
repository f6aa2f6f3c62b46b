#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# ehrctl validate: without a gateway the same findings as with one, for files
# and folders, as a table and as JSON, with a summary by rule and a status
# that a script can use; ehrctl rules lists what the validators have, and
# docs/rules.md is made of it.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin qw($Bin);
use JSON::PP ();
use POSIX ();
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(build slurp spew top);
use EHR::World;

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    claim_rules => "");
my $dir = $world->dir;

delete @ENV{grep { /^EHR_PLUGINS/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";


# Status, standard output, standard error.

sub ehrctl {
    my (@words) = @_;

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDIN, "<", "/dev/null");
        open(STDOUT, ">", "$dir/out");
        open(STDERR, ">", "$dir/err");
        exec(build() . "/ehrctl", @words) or POSIX::_exit(127);
    }

    waitpid($pid, 0);

    return ($? & 127 ? "signal $?" : $? >> 8, slurp("$dir/out"),
            slurp("$dir/err"));
}

sub decode { return JSON::PP->new->utf8->decode($_[0]) }

make_path("$dir/box/inner");
spew("$dir/box/good.xml", EHR::Document->claim->bytes);
spew("$dir/box/inner/wrong.XML", slurp("$Bin/samples/claim-99001-wrong.xml"));
spew("$dir/box/inner/cut.xml", "<GIAMDINHHS><THONGTIN");
spew("$dir/box/notes.txt", "not looked at");

subtest "one file" => sub {
    my ($status, $out, $err) = ehrctl("validate", "$dir/box/good.xml");

    is $status, 0, "a valid file";
    like $out, qr{good\.xml: valid}, "says so";
    like $out, qr/^1 files, 0 with errors$/m, "and counts";
    is $err, "", "no progress where nobody looks";

    ($status, $out) = ehrctl("validate", "$dir/box/inner/wrong.XML");
    is $status, 1, "a wrong one";
    like $out, qr/^error +XML2\.2\.MA_THUOC +T\.required +\S/m,
        "severity, place, rule, sentence";
    like $out, qr/^T\.required +error +3 /m, "how often each rule failed";

    local $ENV{LANG} = "vi_VN.UTF-8";
    ($status, $out) = ehrctl("validate", "$dir/box/inner/wrong.XML");
    like $out, qr/^l\xe1\xbb\x97i +XML2\.2\.MA_THUOC/m, "in Vietnamese";
};

subtest "a folder" => sub {
    my ($status, $out, $err) = ehrctl("validate", "$dir/box", "--output",
        "json");
    my $all = decode($out);

    is $status, 1, "some of it is wrong";
    is_deeply [ map { $_->{path} =~ s{.*/}{}r } @{ $all->{files} } ],
        [ "good.xml", "cut.xml", "wrong.XML" ], "all documents, in order";
    is_deeply [ map { $_->{problem} } @{ $all->{files} } ],
        [ undef, "document.malformed", "document.invalid" ], "problems";
    is $all->{summary}{files}, 3, "files";
    is $all->{summary}{wrong}, 2, "with errors";

    my ($lengths) = grep { $_->{rule} eq "F11" } @{ $all->{summary}{rules} };
    is $lengths->{count}, 1, "rules are counted over the files";
};

subtest "the same findings as the gateway" => sub {
    $world->start;
    $world->enrol("99001");

    my $bytes = slurp("$Bin/samples/claim-99001-wrong.xml");
    my $res = $world->submit($world->client("99001"),
        EHR::Document->raw($bytes), "Accept-Language" => "en");
    my ($status, $out) = ehrctl("validate", "--output=json", "--facility",
        "99001", "$dir/box/inner/wrong.XML");

    is_deeply decode($out)->{files}[0]{findings},
        [ @{ $res->json->{errors} || [] }, @{ $res->json->{warnings} || [] } ],
        "word for word";

    ($status, $out) = ehrctl("validate", "--output=json", "--facility",
        "99002", "$dir/box/good.xml");
    is decode($out)->{files}[0]{problem}, "facility.mismatch",
        "another facility's document";
};

subtest "settings" => sub {
    spew("$dir/box/money.xml", EHR::Document->claim(edit => { XML2 => sub {
        $_[0] =~ s{<THANH_TIEN_BV>[^<]*}{<THANH_TIEN_BV>1.00}r;
    } })->bytes);

    my $m1 = sub {
        my ($status, $out) = ehrctl("validate", "--output=json", @_,
            "$dir/box/money.xml");
        my ($one) = grep { $_->{rule} eq "M1" }
            @{ decode($out)->{files}[0]{findings} };

        return $one ? $one->{severity} : "none";
    };

    is $m1->(), "error", "by its class";
    is $m1->("--set", "rule.M1=warning"), "warning", "or as it is set";
    is $m1->("--set", "rule.M2=off,rule.M1=off"), "none", "or off";

    for my $set ("rule.ZZ=off", "rule.M1", "rule.M1=perhaps") {
        my ($status, $out, $err) = ehrctl("validate", "--set", $set,
            "$dir/box/good.xml");

        is $status, 1, "refused: $set";
        like $err, qr/^ehrctl: /, "with the reason";
    }
};

subtest "what is not there" => sub {
    is((ehrctl("validate"))[0], 2, "no file is a wrong command line");
    is((ehrctl("validate", "$dir/nothing.xml"))[0], 1, "a file");
    is((ehrctl("validate", "--plugins", "$dir/box", "$dir/box/good.xml"))[0],
        1, "a folder without validators");
    is((ehrctl("validate", "--plugins", "$dir/no", "$dir/box/good.xml"))[0],
        1, "a folder of plugins");
};

subtest "rules" => sub {
    my ($status, $out) = ehrctl("rules", "--output", "json");
    my %rule = map { $_->{id} => $_ } @{ decode($out) };

    is $status, 0, "listed";
    is $rule{M1}{class}, "C", "class";
    is $rule{M1}{severity}, "error", "severity";
    is $rule{M1}{plugin}, "claims", "plugin";
    ok $rule{M1}{$_}, $_ for qw(message_vi message_en source);

    ($status, $out) = ehrctl("rules");
    like $out, qr/^M1 +claims +error +\S/m, "as a table";

    local $ENV{LC_ALL} = "C";
    my $said = `@{[ top() ]}/conf/dev/rules-doc.pl @{[ build() ]} --check`;
    is $said, "", "docs/rules.md has them";
};

$world->finish;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Rules over several fields: a claim that breaks one is refused with rule,
# section, row and field beside all that is wrong with single fields; the
# administrator decides how severe a rule is; a validator that fails or is in
# doubt never lets a document pass.

use strict;
use warnings;

use FindBin qw($Bin);
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(build slurp spew);
use EHR::World;

my $claims = build() . "/plugins/claims.so";

my $world = EHR::World->new(workers => 1, sim => 0, redis => 0,
    rate => "off", cert_rate => "off");
$world->start;
$world->enrol("99001");

my $client = $world->client("99001");

# A reload ends old connections.

sub validators {
    my (@lines) = @_;

    $world->reconfigure(validators => @lines ? \@lines : undef);
    $client = $world->client("99001");

    return;
}

sub rules {
    my ($list) = @_;

    return [ map { join ":", $_->{rule}, $_->{severity}, $_->{section},
            $_->{row} // 0, $_->{field} } grep { $_->{rule} !~ /^T\./ }
        @$list ];
}

sub wrong {
    return EHR::Document->claim(
        edit => { XML2 => sub {
            $_[0] =~ s{<THANH_TIEN_BV>[^<]*}{<THANH_TIEN_BV>1.00}r;
        } }, @_);
}

sub has {
    my ($list, $rule) = @_;

    return scalar grep { $_ eq $rule } @{ rules($list) };
}

my $m1 = "M1:error:XML2:1:THANH_TIEN_BV";

# What cannot be told from any section may be the one that others need.

subtest "a section without a name is one mistake" => sub {
    for my $section (qw(XML2 XML3 XML7)) {
        for my $name ("", "XML99") {
            my $res = $world->submit($client, EHR::Document->claim(
                whole => sub {
                    my ($xml) = @_;

                    $xml =~ s{<LOAIHOSO>$section<}{<LOAIHOSO>$name<}
                        or die "no $section";
                    return $xml;
                }));

            is_deeply [ map { $_->{rule} } @{ $res->json->{errors} } ],
                [ "T.section" ], "$section as \"$name\""
                or diag explain $res->json->{errors};
        }
    }
};

subtest "a broken rule refuses the claim" => sub {
    my $res = $world->submit($client, wrong());

    is $res->status, 422, "refused";
    is $res->code, "document.invalid", "document.invalid";
    ok has($res->json->{errors}, $m1), "M1, with its place"
        or diag explain rules($res->json->{errors});

    my ($one) = grep { $_->{rule} eq "M1" } @{ $res->json->{errors} };
    is $one->{code}, "xml2.thanh_tien_bv.m1", "code";
    is $one->{path}, "/CHITIEU_CHITIET_THUOC/DSACH_CHI_TIET_THUOC"
        . "/CHI_TIET_THUOC[1]/THANH_TIEN_BV", "path";
    cmp_ok $one->{line}, ">", 1, "line of the row";
    like $one->{message}, qr/ph\x{1ea3}i b\x{1eb1}ng/, "Vietnamese by default";

    $res = $world->submit($client, wrong(), "Accept-Language" => "en");
    ($one) = grep { $_->{rule} eq "M1" } @{ $res->json->{errors} };
    like $one->{message}, qr/must be/, "or English";

    is $world->submit($client, EHR::Document->claim)->status, 202,
        "the same without the error is accepted";
};

subtest "fields and rules at once" => sub {
    my $res = $world->submit($client, wrong(
        set => { XML1 => { GIOI_TINH => "7" } }));

    ok has($res->json->{errors}, $m1), "the rule";
    ok has($res->json->{errors}, "I6:error:XML1:0:GIOI_TINH"), "the field";
};

subtest "validating only says the same" => sub {
    my $doc = wrong();
    my $full = $world->submit($client, $doc);
    my $dry = $client->request("POST", "/v1/documents?validate_only=true",
        body => $doc->bytes, headers => [ "Content-Type" => $doc->type,
            Authorization => "Bearer " . $world->token("99001") ]);

    is $dry->status, $full->status, "status";
    is_deeply rules($dry->json->{errors}), rules($full->json->{errors}),
        "findings";
};

subtest "the administrator decides how severe a rule is" => sub {
    my @others = map { "set.rule.$_=off" } "D13", other_rules();

    validators("claim plugin=$claims set.rule.M1=warning @others");

    my $res = $world->submit($client, wrong());
    is $res->status, 202, "as a warning it does not refuse"
        or diag explain $res->json;
    is_deeply rules($res->json->{warnings}),
        ["M1:warning:XML2:1:THANH_TIEN_BV"], "but is said";

    validators("claim plugin=$claims set.rule.M1=off @others");
    $res = $world->submit($client, wrong());
    is $res->status, 202, "off";
    is_deeply rules($res->json->{warnings} || []), [], "nothing is said";

    validators();
};


# Rules that a wrong amount breaks beside M1.

sub other_rules {
    my $list = `@{[ build() ]}/ehrctl rules --output json --plugins @{[
        build() ]}/plugins`;

    return grep { $_ ne "M1" } $list =~ /"id": "(M\d+)"/g;
}


subtest "a doubt about a validator stops the start" => sub {
    my %doubts = (
        "a rule it does not have" =>
            [ "claim plugin=$claims set.rule.ZZ=off", qr/no rule/ ],
        "a severity that is none" =>
            [ "claim plugin=$claims set.rule.M1=perhaps",
              qr/error, warning or off/ ],
        "a setting of its own" =>
            [ "claim plugin=$claims set.tolerance=much", qr/tolerance/ ],
        "a kind it does not check" =>
            [ "death_notice plugin=$claims", qr/does not check kind/ ],
        "an unknown kind" => [ "poem plugin=$claims", qr/unknown kind/ ],
        "a partner's plugin" =>
            [ "claim plugin=" . build() . "/plugins/hello.so",
              qr/is not a validator/ ],
        "no plugin" => [ "claim set.tolerance=1", qr/needs plugin=/ ],
        "a word too many" => [ "claim plugin=$claims fast=1",
                               qr/unknown setting/ ],
    );

    # not started: what nginx -t says is no fault of a world that runs
    my $other = EHR::World->new(sim => 0, redis => 0);
    my ($loads, $why) = $other->nginx_t;

    ok $loads, "as it is it loads" or diag $why;

    for my $what (sort keys %doubts) {
        my ($line, $reason) = @{ $doubts{$what} };
        my $text = $other->conf;

        $text =~ s{ehr_validator .*;}{ehr_validator $line;}
            or $text =~ s{(ehr_route )}{ehr_validator $line;\n    $1};
        spew($other->dir . "/bad.conf", $text);

        my ($is_good, $said) = $other->nginx_t(
            file => $other->dir . "/bad.conf");

        ok !$is_good && $said =~ $reason, $what or diag $said;
    }

    $other->finish;
};

$world->finish;
done_testing();

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# One corpus, asked twice: "ehrctl validate --config" with the gateway's own
# configuration says of every file exactly what the gateway answers to
# validate_only, signatures and the administrator's severities included; and
# the gateway adds the routes, and keeps nothing.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin qw($Bin);
use JSON::PP ();
use POSIX ();
use Test::More;

use lib "$Bin/lib";
use EHR::Document;
use EHR::Sign qw(sign_xml);
use EHR::Util qw(build slurp spew);
use EHR::World;

delete @ENV{grep { /^EHR_PLUGINS/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";

# libxml2 would write to stderr about it: libraries are to keep quiet.

$ENV{http_proxy} = "";

# By its own defaults, as ehrctl has them.

my $world = EHR::World->new(workers => 1, redis => 0, rate => "off",
    cert_rate => "off", claim_rules => "");
my $dir = $world->dir;

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $rsa = $world->issue("signer-rsa", "--rsa");
my $foreign = $world->issue("signer-foreign", "ca", "server-ca");


sub decode { return JSON::PP->new->utf8->decode($_[0]) }

sub signed {
    my ($bytes, $signer) = @_;

    $bytes =~ s{\s*<CHUKYDONVI\s*/>|<CHUKYDONVI></CHUKYDONVI>}{};

    return sign_xml($bytes, $signer, dir => $dir, in => "CHUKYDONVI",
        is_rsa => $signer eq $rsa);
}

sub claim { return EHR::Document->claim(facility => "99001", @_)->bytes }


# Name of the file and its bytes.

sub corpus {
    my %file = map { m{([^/]+)$} ? ($1 => slurp($_)) : () }
        glob("$Bin/samples/*-99001*.xml $Bin/samples/*-99001*.json"),
        "$Bin/samples/claim-99002.xml";

    for my $name (grep { /^(claim|checkin|birth|death)-99001\.xml$/ }
        sort keys %file)
    {
        $file{"cut-$name"} = substr($file{$name}, 0, -40);
        $file{"signed-$name"} = signed($file{$name}, $rsa);
        $file{"foreign-$name"} = signed($file{$name}, $foreign);
        $file{"changed-$name"} =
            $file{"signed-$name"} =~ s{(99001\S{0,9})0}{${1}1}r;
    }

    my $nfd = "TR\x41\xcc\x82\xcc\x80N TH\x49\xcc\xa3";

    $file{"decomposed.xml"} = claim(set => { XML1 => { HO_TEN => $nfd } });
    $file{"long.xml"} = claim(set => { XML1 => { HO_TEN => "A" x 300 } });
    $file{"money.xml"} = claim(set => { XML1 => { T_TONGCHI_BV => "1" } });
    $file{"late.xml"} = claim(set => { XML1 => { NGAY_RA => "209901010000",
                                                 HO_TEN => "" } });
    $file{"none.xml"} = "<a/>";
    $file{"empty.json"} = "{}";

    return %file;
}


# [ problem, findings ] as the gateway answers.

sub gateway_says {
    my ($name, $bytes) = @_;
    my $doc = EHR::Document->raw($bytes,
        type => $name =~ /json$/ ? "application/json" : "application/xml");
    my $res = $world->submit($client, $doc,
        path => "/v1/documents?validate_only=true",
        "Accept-Language" => "en");
    my $json = $res->json;

    return [ $res->status == 200 ? undef : $json->{code},
        [ @{ $json->{errors} || [] }, @{ $json->{warnings} || [] } ] ];
}


# The same of all files of the folder, by name.

sub ehrctl_says {
    my (@words) = @_;

    open(my $out, "-|", build() . "/ehrctl", "validate", "--output=json",
        "--facility=99001", @words, "$dir/box") or die "ehrctl: $!";
    my $all = decode(do { local $/; <$out> });
    close($out);

    return map { $_->{path} =~ m{([^/]+)$}
        ? ($1 => [ @$_{qw(problem findings)} ]) : () } @{ $all->{files} };
}

my %file = corpus();

make_path("$dir/box");
spew("$dir/box/$_", $file{$_}) for keys %file;


sub agree {
    my ($what, @words) = @_;
    my %said = ehrctl_says("--config", "$dir/nginx.conf", @words);
    my %problems;

    is_deeply [ sort keys %said ], [ sort keys %file ], "$what: every file";

    for my $name (sort keys %file) {
        my $answer = gateway_says($name, $file{$name});

        $problems{ $answer->[0] // "none" }++;
        is_deeply $said{$name}, $answer, "$what: $name";
    }

    return %problems;
}


subtest "as it comes" => sub {
    my %problems = agree("default");

    cmp_ok $problems{$_}, ">", 0, "with some $_" for "none",
        "document.invalid", "document.malformed", "document.unknown-kind",
        "facility.mismatch";
};

subtest "no configuration is the default one" => sub {
    my %with = ehrctl_says("--config", "$dir/nginx.conf");
    my %without = ehrctl_says();

    is_deeply \%without, \%with, "all validators, no word on signatures";
};

subtest "as an administrator wants it" => sub {
    my $pki = $world->pki;
    my $plugins = build() . "/plugins";

    spew("$dir/pins.txt", "99001 " . $world->sha256_of($rsa) . "\n");
    spew("$dir/more.conf", "ehr_signature checkin when-present "
        . "\"ca=$pki/hospital-ca.pem\" pins=pins.txt;\n"
        . "ehr_finding T.nfc off; # not told\n");
    $world->reconfigure(http => "include more.conf;\n"
        . "    ehr_signature claim required ca=$pki/hospital-ca.pem;\n"
        . "    ehr_finding hsdlgcs error;",
        validators => [ "claim plugin=$plugins/claims.so "
                . "set.rule.M17=warning set.rule.D7=error set.tolerance=3",
            "checkin plugin=$plugins/checkin.so" ]);
    $client = $world->client("99001");

    my %problems = agree("configured");

    cmp_ok $problems{$_}, ">", 0, "with some $_" for "signature.required",
        "signature.invalid", "signature.untrusted";

    my $d7 = sub {
        my %said = ehrctl_says("--config", "$dir/nginx.conf", @_);

        return scalar grep { ($_->{rule} // "") eq "D7"
            && $_->{severity} eq "error" } @{ $said{"late.xml"}[1] };
    };

    is $d7->(), 1, "a rule is an error here";
    is $d7->("--set", "rule.D7=off"), 0, "and --set has the last word";
};

subtest "a configuration that cannot be used" => sub {
    my $wrong = sub {
        my ($text) = @_;

        spew("$dir/wrong.conf", $text);
        system(build() . "/ehrctl validate --config $dir/wrong.conf "
            . "$dir/box/none.xml >$dir/out 2>$dir/err");

        return ($? >> 8, slurp("$dir/err"));
    };

    for my $text ("ehr_finding", "ehr_finding nothing off;",
        "ehr_finding T.nfc loud;", "ehr_signature claim required;",
        "ehr_signature bill off;", "ehr_signature claim required crl=x;",
        "ehr_signature claim off; ehr_signature claim off;",
        "ehr_validator claim;", "ehr_validator bill plugin=claims.so;",
        "ehr_validator claim plugin=checkin.so;",
        "ehr_validator claim plugin=claims.so set.rule.ZZ=off;",
        "ehr_validator claim plugin=claims.so rule.M1=off;",
        "include nowhere.conf;", "include wrong.conf;", "ehr_finding \"T;")
    {
        my ($status, $err) = $wrong->($text);

        is $status, 1, "refused: $text";
        like $err, qr/^ehrctl: /, "with the reason";
    }

    my ($status, $err) = $wrong->("events { }\nhttp { server { "
        . "return 200 \"a;b \\\" }\"; if (\$a ~ \"x{2}\") { } "
        . "set \$a \${b}; } include nowhere/*.conf; }");
    is $err, "", "what is nginx's own is passed by";
    is $status, 1, "and the file is checked";
};

subtest "the routes" => sub {
    my $doc = EHR::Document->claim(facility => "99001");

    $world->reconfigure(http => "");
    $client = $world->client("99001");

    my $res = $world->submit($client, $doc,
        path => "/v1/documents?validate_only=true");
    my $kept = $world->submit($client, $doc);

    is_deeply $res->json->{routes},
        [ map { $_->{partner} } @{ $kept->json->{deliveries} } ],
        "those it takes then";
    ok scalar @{ $res->json->{routes} }, "and there are some";
    ok !$kept->json->{duplicate}, "asking has kept nothing";
    is_deeply $res->json->{warnings}, $kept->json->{warnings},
        "warnings are the same";
    is $res->json->{$_}, $kept->json->{$_}, "the same $_"
        for qw(facility kind standard business_key);
};

$world->finish;
done_testing();

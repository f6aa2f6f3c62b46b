#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What loads is complete: the example for administrators loads in stock nginx
# once its paths are those of this machine, and what traffic would trip over
# is refused by "nginx -t", with the reason.

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use EHR::Util qw(top build run slurp spew);
use EHR::World;

my $world = EHR::World->new(redis => 0, sim => 0);
my $dir = $world->dir;

# --- the example ------------------------------------------------------------

sub here {
    my ($text) = @_;

    my $build = build();
    my $pki = $world->pki;
    my $sha256 = $world->sha256_of("$pki/admin.pem");

    $text =~ s{^user .*;}{}m;
    $text =~ s{modules/ngx_http_ehr_module\.so}
              {$build/ngx_http_ehr_module.so};
    $text =~ s{/usr/lib/ehr/plugins}{$build/plugins}g;
    $text =~ s{/etc/ehr/tls/token-\d+\.pem}{$pki/token-issuer.pem}g;
    $text =~ s{/etc/ehr/tls/store-\d+\.key}{$pki/store.key}g;
    $text =~ s{/etc/ehr/tls}{$pki}g;
    $text =~ s{/etc/ehr/partners|/etc/nginx/partners}{$dir/example}g;
    $text =~ s{/run/ehr/|/run/nginx}{$dir/example/}g;
    $text =~ s{/var/(lib/ehr|log/nginx)/}{$dir/example/}g;
    $text =~ s{egw\.baohiemxahoi\.gov\.vn:443}{127.0.0.1:443};
    $text =~ s{0{64}}{$sha256};

    return $text;
}

make_path("$dir/example");
spew("$dir/example.conf", here(slurp(top() . "/conf/nginx.conf")));
for my $file ("insurance.conf", "insurance.location") {
    spew("$dir/example/$file", here(slurp(top() . "/conf/partners/$file")));
}
spew("$dir/example/insurance.json",
     '{"99001": {"username": "99001_BV", "password": "x"}}', 0600);

my ($is_good, $said) = $world->nginx_t(file => "$dir/example.conf");
ok($is_good, "conf/nginx.conf loads") or diag($said);

($is_good, $said) = $world->nginx_t;
ok($is_good, "the development configuration loads") or diag($said);

# --- what is refused ---------------------------------------------------------

sub is_refused {
    my ($what, $from, $to, $reason) = @_;

    my $text = $world->conf;
    $text =~ s/$from/$to/ or die "nothing to change for $what";
    spew("$dir/bad.conf", $text);

    my ($is_good, $said) = $world->nginx_t(file => "$dir/bad.conf");

    ok(!$is_good && $said =~ $reason, "refused: $what") or diag($said);

    return;
}

is_refused("no store", qr{^\s*ehr_store .*;}m, "",
           qr/"ehr_store" is required/);
is_refused("no issuer", qr{^\s*ehr_issuer .*;}m, "", qr/"ehr_issuer"/);
is_refused("no token key", qr/ehr_token_key .*;/, "", qr/"ehr_token_key"/);
is_refused("no receipt key", qr/ehr_receipt_key .*;/, "",
           qr/"ehr_receipt_key"/);
is_refused("a key that is none", qr{ehr_receipt_key .*;},
           "ehr_receipt_key /dev/null;", qr/\[emerg\]/);
is_refused("a certificate as token key", qr{ehr_token_key .*;},
           "ehr_token_key $dir/pki/server-ca.pem;", qr/\[emerg\]/);
is_refused("an RSA receipt key", qr{ehr_receipt_key .*;},
           "ehr_receipt_key $dir/pki/server-rsa.key;", qr/EC P-256/);
is_refused("an administrator without a certificate",
           qr{ehr_administrator admin \w+}, "ehr_administrator admin abc",
           qr/64 hex digits/);
is_refused("an unknown role", qr{ehr_administrator admin},
           "ehr_administrator king", qr/unknown role/);
is_refused("no administrator", qr{ehr_administrator .*;}, "",
           qr/"ehr_administrator"/);
is_refused("a plugin that is not there", qr{plugin=\S+},
           "plugin=$dir/none.so", qr/\[emerg\]/);
is_refused("a plugin that is something else", qr{plugin=\S+},
           "plugin=/bin/true", qr/\[emerg\]/);
is_refused("no accounts", qr{accounts=\S+}, "accounts=$dir/none",
           qr/\[emerg\]/);
spew("$dir/no.json", "99001: x", 0600);
is_refused("accounts that are no JSON", qr{accounts=\S+},
           "accounts=$dir/no.json", qr/not a readable JSON object/);
is_refused("hours that are none", qr{(?= retry=)},
           " window=25:00-26:00", qr/wrong hours/);
is_refused("a burst without a rate", qr{(?= retry=)}, " burst=5",
           qr/burst= only with rate=/);
is_refused("a deadline that is none", qr{(?=ehr_route claim)},
           "ehr_deadline claim soon;", qr/4wh/);
is_refused("a deadline of an unknown kind", qr{(?=ehr_route claim)},
           "ehr_deadline poem day;", qr/unknown kind/);
is_refused("a route to nobody", qr{ehr_route claim insurance},
           "ehr_route claim nobody", qr/\[emerg\]/);
is_refused("a route of an unknown kind", qr{ehr_route claim},
           "ehr_route poem", qr/\[emerg\]/);
is_refused("a finding of no table", qr{(?=ehr_route claim)},
           "ehr_finding xml2.no_such_field off;\n",
           qr/names no field, section or rule/);
is_refused("a level that is none", qr{(?=ehr_route claim)},
           "ehr_finding xml2.ma_thuoc never;\n",
           qr/wants error, warning or off/);
is_refused("a rate that is none", qr{ehr_rate .*;}, "ehr_rate fast;",
           qr/\[emerg\]/);
is_refused("a body that could not be delivered", qr{ehr_ops;},
           "ehr_ops; ehr_body_max_size 65m;", qr/between 1 and 67108864/);
is_refused("two roles in one place", qr{ehr_ops;}, "ehr_ops; ehr_admin;",
           qr/only role/);

# --- secrets -----------------------------------------------------------------

# Where a key or a password comes from a file, the file is nobody else's.

sub loads {
    my ($what, $from, $to) = @_;

    my $text = $world->conf;
    $text =~ s/$from/$to/ or die "nothing to change for $what";
    spew("$dir/good.conf", $text);

    my ($is_good, $said) = $world->nginx_t(file => "$dir/good.conf");

    ok($is_good, "loads: $what") or diag($said);

    return;
}

my $secret = "$dir/secret";
my $private = slurp("$dir/pki/token-issuer.pem");
my $public = run("openssl", "pkey", "-in", "$dir/pki/token-issuer.pem",
                 "-pubout");
my $accounts = '{"99001": {"username": "99001_BV", "password": "x"}}';

my @secrets = (
    [ "ehr_token_key", $private, qr{ehr_token_key .*;},
      "ehr_token_key $secret;" ],
    [ "ehr_token_key that only verifies", $private,
      qr{(?<=ehr_token_key )(.*;)}, "$dir/pki/receipt.pem;\n"
                                    . "ehr_token_key $secret;" ],
    [ "ehr_receipt_key", $private, qr{ehr_receipt_key .*;},
      "ehr_receipt_key $secret;" ],
    [ "ehr_store_key", "5c" x 31 . "07", qr{ehr_store_key .*;},
      "ehr_store_key $secret;" ],
    [ "accounts=", $accounts, qr{accounts=\S+}, "accounts=$secret" ],
    [ "password_file=", "mat-khau", qr{ehr_redis .*;},
      "ehr_redis 127.0.0.1 password_file=$secret;" ],
);

for my $case (@secrets) {
    my ($what, $bytes, $from, $to) = @$case;

    spew($secret, $bytes, 0600);
    loads("$what, 0600", $from, $to);

    # Debian's ssl-cert: root's own, and a group may read.
    chmod(0640, $secret) or die $!;
    if ($> == 0) {
        loads("$what, 0640 and root's", $from, $to);
        chown(65534, -1, $secret) or die $!;
    }
    is_refused("$what, 0640 and not root's", $from, $to,
               qr/"\Q$secret\E": .*others than its owner: chmod 0600/);
    unlink $secret;

    spew($secret, $bytes, 0644);
    is_refused("$what, 0644", $from, $to,
               qr/"\Q$secret\E": .*others than its owner: chmod 0600/);
    unlink $secret;
}

spew($secret, $public, 0644);
loads("a public key, 0644", qr{(?=ehr_receipt_key)},
      "ehr_token_key $secret;\n    ");

$world->finish;
done_testing();

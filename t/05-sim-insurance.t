#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The insurance simulator refuses what the real gateway refuses, keeps what
# it accepted byte for byte, and misbehaves exactly as it was told.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

my $top = abs_path(dirname(__FILE__) . "/..");
my $dir = tempdir(CLEANUP => 1);
my %port;
my $pid;


sub spew {
    my ($path, $text) = @_;

    open my $fh, ">:raw", $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}


sub slurp {
    my ($path) = @_;

    open my $fh, "<:raw", $path or die "$path: $!";
    local $/;
    return <$fh>;
}


# Polls: gives the condition's value, or dies after ten seconds.

sub wait_for {
    my ($what, $condition) = @_;
    my $end = time + 10;

    while (time < $end) {
        my $value = $condition->();
        return $value if $value;
        sleep 0.02;
    }

    die "no $what within ten seconds";
}


sub start {
    my (@options) = @_;

    unlink "$dir/port", "$dir/control";
    $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        exec "$top/t/sim/insurance", "--port-file", "$dir/port",
            "--control-port-file", "$dir/control", "--received",
            "$dir/sim/received", "--accounts", "$dir/accounts.json",
            "--verbose", "$dir/log", @options
            or die "exec: $!";
    }

    for my $name ("port", "control") {
        $port{$name} = wait_for("$name file", sub {
            -e "$dir/$name" && slurp("$dir/$name")
        });
        chomp $port{$name};
    }
}


sub stop {
    return unless $pid;
    kill "TERM", $pid;
    waitpid $pid, 0;
    undef $pid;
    return $?;
}

END { my $status = $?; stop(); $? = $status; }


sub control {
    my ($path, $body) = @_;
    my $url = "http://127.0.0.1:$port{control}$path";
    my $answer = defined $body
        ? HTTP::Tiny->new->post($url, { content => encode_json($body) })
        : HTTP::Tiny->new->get($url);

    return $answer->{status} == 200 ? decode_json($answer->{content})
                                    : $answer->{status};
}


sub mode {
    my ($mode, %more) = @_;

    return control("/control", { mode => $mode, %more });
}


my %http;

sub post {
    my ($path, $form, $headers, %more) = @_;
    my $from = $more{from} || "127.0.0.1";

    $http{$from} ||= HTTP::Tiny->new(timeout => 5, keep_alive => 1,
                                     local_address => $from);
    return $http{$from}->post("http://127.0.0.1:$port{port}$path", {
        headers => { "Content-Type" => "application/x-www-form-urlencoded",
                     %{ $headers || {} } },
        content => $form
    });
}


sub json {
    my ($answer) = @_;

    return {} if length $answer->{content} > 1_000_000;
    return eval { decode_json($answer->{content}) } || {};
}


sub escape {
    my ($text) = @_;

    $text =~ s/([^A-Za-z0-9._-])/sprintf "%%%02X", ord $1/ge;
    return $text;
}


sub login {
    my ($facility, $password, %more) = @_;

    return post("/api/token/take", "username=${facility}_BV&password="
                . uc md5_hex($password), {}, %more);
}


sub session {
    my ($facility, %more) = @_;
    my $key = json(login($facility, "secret-$facility", %more))->{APIKey};

    return { accessToken => $key->{access_token}, tokenId => $key->{id_token},
             passwordHash => uc md5_hex("secret-$facility") };
}


sub claim {
    my ($facility, $text) = @_;
    my $section = encode_base64($text || "<TONG_HOP/>", "");

    return <<"XML";
<?xml version="1.0" encoding="utf-8"?>
<GIAMDINHHS><THONGTINDONVI><MACSKCB>$facility</MACSKCB></THONGTINDONVI>
<THONGTINHOSO><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO><FILEHOSO>
<LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>$section</NOIDUNGFILE>
</FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>
XML
}


sub form {
    my ($content, %more) = @_;
    my %field = (username => "99001_BV", loaiHoSo => 130, maTinh => 99,
                 maCSKCB => 99001, %more);

    return join "&", (map { "$_=" . escape($field{$_}) } sort keys %field),
        "fileHSBase64=" . escape(encode_base64($content, ""));
}


my $CLAIM = "/api/qd130/guiHoSoXmlQD3176";
my $CHECKIN = "/api/qd130/checkInKcbQd3176";

sub code_is {
    my ($answer, $code, $what) = @_;

    is("$answer->{status} " . (json($answer)->{maKetQua} // "-"),
       "200 $code", $what);
}


spew("$dir/accounts.json", encode_json({
    map { $_ => { username => "${_}_BV", password => "secret-$_" } }
        qw(99001 99002)
}));

start("--token-ttl", "600");

subtest "log-in" => sub {
    my $answer = json(login("99001", "secret-99001"));

    is($answer->{maKetQua}, "200", "right password");
    like($answer->{APIKey}{expires_in},
         qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/, "UTC date-time");
    code_is(login("99001", "wrong"), 401, "wrong password");
    code_is(login("99009", "secret-99001"), 401, "no such account");
    code_is(login("99002", "wrong"), 401, "wrong password $_") for 1 .. 4;
    code_is(login("99002", "wrong"), 403, "the fifth locks");
    code_is(login("99002", "secret-99002"), 403, "locked for the right one");
    control("/reset", {});
    code_is(login("99002", "secret-99002"), 200, "reset unlocks");
};

subtest "what is accepted is kept byte for byte" => sub {
    control("/reset", {});
    my $session = session("99001");
    my $content = claim("99001", join "", map { chr } 1 .. 255);
    my $answer = post($CLAIM, form($content),
                      { %$session, "X-Request-Id" => "id-1" });

    code_is($answer, 200, "claim accepted");
    like(json($answer)->{maGiaoDich}, qr/^SIM-\d+$/, "transaction code");
    code_is(post($CLAIM, form($content), $session), 200, "and again");

    my @meta = sort glob "$dir/sim/received/*.meta";
    is(scalar @meta, 2, "two files");
    (my $file = $meta[0]) =~ s/\.meta$//;
    ok(slurp($file) eq $content, "the same bytes");

    my $meta = decode_json(slurp($meta[0]));
    is($meta->{sha256}, sha256_hex($content), "digest");
    is($meta->{document_id}, "id-1", "document id");
    is($meta->{attempt}, 1, "attempt");
    is($meta->{path}, $CLAIM, "path");
    is($meta->{outcome}, "200", "outcome");

    my $stats = control("/stats");
    is($stats->{documents}, 2, "documents");
    is($stats->{distinct_sha256}, 1, "distinct");
    is($stats->{duplicates}, 1, "duplicates");
    is($stats->{logins}, 1, "log-ins");

    my $checkin = "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>"
        . "<TRANG_THAI_KCB><MA_CSKCB>99001</MA_CSKCB></TRANG_THAI_KCB>"
        . "</DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>";
    code_is(post($CHECKIN, form($checkin, loaiHoSo => 0), $session), 200,
            "check-in accepted");
    code_is(post($CLAIM, form($checkin), $session), 123,
            "a check-in is no claim");
};

subtest "sessions" => sub {
    control("/reset", {});
    my $old = session("99001");
    my $new = session("99001");
    my $form = form(claim("99001"));

    code_is(post($CLAIM, $form), 401, "no session");
    code_is(post($CLAIM, $form, $old), 401, "replaced by a newer log-in");
    code_is(post($CLAIM, $form, $new), 200, "the newer one");
    code_is(post($CLAIM, $form, $new, from => "127.0.0.2"), 401,
            "from another address");
    code_is(post($CLAIM, $form, { %$new, passwordHash => "0" x 32 }), 401,
            "another password hash");
    code_is(post($CLAIM, $form, { %$new, tokenId => "x" }), 401,
            "another tokenId");
    code_is(post($CLAIM, $form, session("99002")), 401,
            "of another account");
    code_is(post($CLAIM, form(claim("99002"), maCSKCB => 99002), $new), 402,
            "for another facility");
};

subtest "content" => sub {
    control("/reset", {});
    my $session = session("99001");
    my $two = claim("99001");
    $two =~ s{(<HOSO>.*</HOSO>)}{$1$1}s;
    my $broken = claim("99001");
    $broken =~ s{(<NOIDUNGFILE>)}{$1*};
    my $plus = form("\xfb\xef\xbe");
    $plus =~ s/%2B/+/g;

    like($plus, qr/fileHSBase64=\+\+\+\+/, "made of plus signs");
    code_is(post($CLAIM, $plus, $session), 205, "a bare plus is a blank");

    my @cases = (
        [205, "wrong record type", claim("99001"), loaiHoSo => 0],
        [205, "wrong province", claim("99001"), maTinh => "01"],
        [204, "empty", ""],
        [201, "not well-formed", "<GIAMDINHHS>"],
        [201, "a DTD", "<!DOCTYPE GIAMDINHHS>" . claim("99001")],
        [123, "another root", "<A><MACSKCB>99001</MACSKCB></A>"],
        [202, "two records", $two],
        [202, "broken inner Base64", $broken],
        [202, "another facility inside", claim("99002")],
    );

    for my $case (@cases) {
        my ($code, $what, $content, %more) = @$case;
        code_is(post($CLAIM, form($content, %more), $session), $code, $what);
    }

    my @refused = glob "$dir/sim/refused/*.meta";
    ok(@refused >= @cases, "refused ones are kept apart");
};

subtest "modes of documents" => sub {
    control("/reset", {});
    my $form = form(claim("99001"));
    my @cases = (
        # mode, HTTP status and maKetQua, session afterwards, documents kept
        ["maketqua-number", "200 200", 1, 1],
        ["accepted-with-message", "200 200", 1, 1],
        ["chunked", "200 200", 1, 1],
        ["drip", "200 200", 1, 1, delay_ms => 1],
        ["slow", "200 200", 1, 1, delay_ms => 50],
        ["huge", "200 -", 1, 1],
        ["half-answer", "599 -", 1, 1],
        ["accept-then-reset", "599 -", 1, 1],
        ["reset", "599 -", 1, 0],
        ["close-early", "599 -", 1, 0],
        ["html", "200 -", 1, 0],
        ["empty", "200 -", 1, 0],
        ["http-500", "500 -", 1, 0],
        ["http-503", "503 -", 1, 0],
        ["expired-401-empty", "401 -", 0, 0],
        ["expired-403", "403 -", 0, 0],
        ["expired-maketqua-401", "200 401", 0, 0],
        ["expired-501", "200 501", 0, 0],
        ["expired-text", "200 500", 0, 0],
        map { ["code-$_", "200 $_", 1, 0] } qw(500 1001 701 124 205 123)
    );

    for my $case (@cases) {
        my ($mode, $wanted, $alive, $kept, %more) = @$case;
        my $session = session("99001");
        my $before = control("/stats")->{documents};

        mode($mode, count => 1, facility => "99001", %more);
        my $answer = post($CLAIM, $form, $session);
        my $got = "$answer->{status} " . (json($answer)->{maKetQua} // "-");
        is($got, $wanted, $mode);
        is(control("/stats")->{documents} - $before, $kept, "$mode keeps");
        code_is(post($CLAIM, $form, $session), $alive ? 200 : 401,
                "after $mode");
    }

    $http{"127.0.0.1"} = HTTP::Tiny->new(timeout => 0.3);
    mode("hang", count => 1);
    is(post($CLAIM, $form)->{status}, 599, "hang");
    delete $http{"127.0.0.1"};
};

subtest "modes of log-ins" => sub {
    control("/reset", {});
    mode("login-refused", count => 2, facility => "99001");
    code_is(login("99001", "secret-99001"), 401, "refused");
    code_is(login("99002", "secret-99002"), 200, "but not the other");
    code_is(login("99001", "secret-99001"), 401, "twice");
    code_is(login("99001", "secret-99001"), 200, "then not any more");

    mode("login-html", count => 1);
    unlike(login("99001", "secret-99001")->{content}, qr/maKetQua/, "HTML");
    mode("login-code-500", count => 1);
    code_is(login("99001", "secret-99001"), 500, "a code");
    mode("login-slow", count => 1, delay_ms => 50);
    code_is(login("99001", "secret-99001"), 200, "slow");
    mode("login-expires-seconds", count => 1);
    is(json(login("99001", "secret-99001"))->{APIKey}{expires_in}, 600,
       "expires_in as seconds");
    mode("login-refused");
    mode("normal");
    code_is(login("99001", "secret-99001"), 200, "normal again");
};

subtest "control says no" => sub {
    is(mode("no-such-mode"), 400, "unknown mode");
    is(mode("html", count => 0), 400, "count of nothing");
    is(mode("slow", delay_ms => "long"), 400, "delay that is none");
    is(control("/nowhere"), 404, "unknown call");
};

subtest "a session ends" => sub {
    stop();
    start("--token-ttl", "0.2");
    my $session = session("99001");
    wait_for("end of the session", sub {
        json(post($CLAIM, form(claim("99001")), $session))->{maKetQua} == 401
    });
    pass("after its time");
};

subtest "TLS" => sub {
    stop();
    is(system("openssl req -x509 -newkey ec -pkeyopt "
              . "ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost "
              . "-addext subjectAltName=IP:127.0.0.1 -days 1 "
              . "-keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null"), 0,
       "certificate");
    start("--cert", "$dir/cert.pem", "--key", "$dir/key.pem");
    my $answer = HTTP::Tiny->new(
        verify_SSL => 1, SSL_options => { SSL_ca_file => "$dir/cert.pem" }
    )->post("https://127.0.0.1:$port{port}/api/token/take", {
        headers => {
            "Content-Type" => "application/x-www-form-urlencoded" },
        content => "username=99001_BV&password=" . md5_hex("secret-99001")
    });
    code_is($answer, 200, "log-in with a lower case hash");
};

is(stop(), 0, "ends cleanly");
unlike(slurp("$dir/log"), qr/secret|TONG_HOP|password/, "a log of no bodies");

done_testing();

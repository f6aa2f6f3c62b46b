# SPDX-License-Identifier: BSD-2-Clause

package EHR::Client;

# A hospital, as well behaved or as badly as the test wants: HTTP/1.1 by hand
# over TLS with a client certificate.
#
#   my $client = EHR::Client->new(
#       port => 8443,                 host => "127.0.0.1",
#       ca   => "$pki/server-ca.pem",
#       cert => "$pki/99001.pem",     key => "$pki/99001.key",
#       tls  => 1,                    # 0: plain HTTP
#       ssl  => { SSL_version => "TLSv1_2" },     # for IO::Socket::SSL
#       headers => [ "Accept-Language" => "en" ], # sent with each request
#       timeout => 10,                # of each wait, in seconds
#   );
#
# The usual way (opens a connection when there is none, keeps it alive):
#
#   my $res = $client->request("POST", "/v1/documents",
#       headers => [ "Content-Type" => "application/xml" ],
#       body => $bytes, chunked => 0);
#   $client->get($path, @headers)
#
# The raw way:
#
#   $client->connect              dies when the handshake fails
#   $client->try_connect          gives 0 then; the reason is in ->error
#   $client->write($bytes)        1, or 0 when the peer has closed
#   $client->drip($bytes, $size, $pause_sec)    slowly
#   $client->read_response        EHR::Response, or undef: closed or timed out
#   $client->read_interim         the next 1xx answer as EHR::Response; undef
#                                 when $sec seconds pass without one
#   $client->is_closed($sec)      the peer closed within that time
#   $client->half_close           FIN: nothing more comes from us
#   $client->abort                RST
#   $client->close
#   $client->is_open, $client->socket, $client->error
#
# EHR::Response: status, headers (list of [name, value]), header($name) (the
# first, or undef), body, json, code (the problem's code, or undef), interim
# (statuses of the 1xx answers before it).
#
# Every problem body is kept in @EHR::Client::problems for the canary check.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::SSL;
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY SHUT_WR);
use Time::HiRes qw(sleep time);

use EHR::Util qw(limit);

use constant READ_SIZE => 65536;
use constant MAX_HEAD  => 1024 * 1024;

our @problems;

$SIG{PIPE} = "IGNORE";


sub new {
    my ($class, %o) = @_;

    my $self = bless {
        host    => "127.0.0.1",
        tls     => 1,
        timeout => 10,
        headers => [],
        ssl     => {},
        %o,
        buffer  => "",
        error   => "",
    }, $class;

    return $self;
}


sub socket  { return $_[0]{socket} }
sub is_open { return defined $_[0]{socket} }
sub error   { return $_[0]{error} }


sub connect {
    my ($self) = @_;

    $self->try_connect
        or die "connect to $self->{host}:$self->{port}: $self->{error}\n";

    return $self;
}


sub try_connect {
    my ($self) = @_;

    $self->close;

    my $socket = IO::Socket::IP->new(
        PeerHost => $self->{host},
        PeerPort => $self->{port},
        Proto    => "tcp",
        Timeout  => limit($self->{timeout}),
    );

    if (!$socket) {
        $self->{error} = "TCP: $@";
        return 0;
    }

    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1);

    if ($self->{tls}) {
        IO::Socket::SSL->start_SSL($socket, $self->_ssl) or do {
            $self->{error} = "TLS: $IO::Socket::SSL::SSL_ERROR";
            CORE::close($socket);
            return 0;
        };
    }

    $socket->blocking(0);

    $self->{socket} = $socket;
    $self->{buffer} = "";
    $self->{error} = "";

    return 1;
}


sub _ssl {
    my ($self) = @_;

    my %ssl = (
        SSL_verify_mode => SSL_VERIFY_PEER,
        SSL_ca_file     => $self->{ca},
        SSL_verifycn_name   => $self->{name} || "localhost",
        SSL_verifycn_scheme => "http",
        Timeout         => limit($self->{timeout}),
    );

    if ($self->{cert}) {
        $ssl{SSL_cert_file} = $self->{cert};
        $ssl{SSL_key_file} = $self->{key}
            || $self->{cert} =~ s/\.pem$/.key/r;
    }

    return (%ssl, %{$self->{ssl}});
}


sub close {
    my ($self) = @_;

    my $socket = delete $self->{socket};
    return unless $socket;

    $self->{tls} ? $socket->close(SSL_no_shutdown => 0) : $socket->close;

    return;
}


sub abort {
    my ($self) = @_;

    my $socket = delete $self->{socket};
    return unless $socket;

    setsockopt($socket, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
    $self->{tls} ? $socket->close(SSL_no_shutdown => 1) : $socket->close;

    return;
}


sub half_close {
    my ($self) = @_;

    shutdown($self->{socket}, SHUT_WR);

    return;
}


# Waits until the socket can be read or written; 0: the time is over.

sub _wait {
    my ($self, $what, $until) = @_;

    my $left = $until - time();
    return 0 if $left <= 0;

    my $select = IO::Select->new($self->{socket});

    return scalar($what eq "write" ? $select->can_write($left)
                                   : $select->can_read($left));
}


# What a failed read or write waits for; undef: the connection is gone.

sub _wanted {
    my ($self, $default) = @_;

    if ($self->{tls}) {
        return "read" if $IO::Socket::SSL::SSL_ERROR == SSL_WANT_READ;
        return "write" if $IO::Socket::SSL::SSL_ERROR == SSL_WANT_WRITE;
        return undef;
    }

    return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR ? $default
                                                            : undef;
}


sub write {
    my ($self, $bytes) = @_;

    my $until = time() + limit($self->{timeout});
    my $done = 0;

    while ($done < length $bytes) {
        return 0 unless $self->{socket};

        my $n = syswrite($self->{socket}, $bytes, length($bytes) - $done,
                         $done);

        if (defined $n && $n > 0) {
            $done += $n;
            next;
        }

        my $wanted = $self->_wanted("write");
        return 0 unless $wanted && $self->_wait($wanted, $until);
    }

    return 1;
}


sub drip {
    my ($self, $bytes, $size, $pause_sec) = @_;

    for (my $i = 0; $i < length $bytes; $i += $size) {
        $self->write(substr($bytes, $i, $size)) or return 0;
        return 1 if $self->_has_answer($pause_sec);
    }

    return 1;
}


# Between two drops: is there an answer, or an end, already?

sub _has_answer {
    my ($self, $sec) = @_;

    my $got = $self->_fill(time() + $sec);

    return !defined $got || $got > 0 || length $self->{buffer} > 0;
}


# More bytes into the buffer: their number, 0: time is over, undef: closed.

sub _fill {
    my ($self, $until) = @_;

    while (1) {
        return undef unless $self->{socket};

        my $n = sysread($self->{socket}, $self->{buffer}, READ_SIZE,
                        length $self->{buffer});

        return $n if $n;
        return undef if defined $n;

        my $wanted = $self->_wanted("read");
        return undef unless $wanted;
        return 0 unless $self->_wait($wanted, $until);
    }
}


sub is_closed {
    my ($self, $sec) = @_;

    my $until = time() + limit($sec);

    while (1) {
        my $n = $self->_fill($until);
        return 1 unless defined $n;
        return 0 if $n == 0;
    }
}


# One line ended by CRLF; undef: closed, or time is over.

sub _line {
    my ($self, $until) = @_;

    while (1) {
        return $1 if $self->{buffer} =~ s/^([^\n]*)\r\n//;
        return undef if length $self->{buffer} > MAX_HEAD;
        return undef unless $self->_fill($until);
    }
}


sub _exactly {
    my ($self, $n, $until) = @_;

    while (length $self->{buffer} < $n) {
        return undef unless $self->_fill($until);
    }

    return substr($self->{buffer}, 0, $n, "");
}


sub _chunks {
    my ($self, $until) = @_;

    my $body = "";

    while (1) {
        my $line = $self->_line($until);
        return undef unless defined $line && $line =~ /^([0-9a-fA-F]+)/;

        my $size = hex($1);
        last if $size == 0;

        my $chunk = $self->_exactly($size, $until);
        return undef unless defined $chunk;
        $body .= $chunk;

        return undef unless defined $self->_line($until);
    }

    while (1) {
        my $line = $self->_line($until);
        return undef unless defined $line;
        return $body if $line eq "";
    }
}


sub _to_end {
    my ($self, $until) = @_;

    while (1) {
        my $n = $self->_fill($until);
        last unless defined $n;
        return undef if $n == 0;
    }

    my $body = $self->{buffer};
    $self->{buffer} = "";
    $self->close;

    return $body;
}


sub _head {
    my ($self, $until) = @_;

    my $line = $self->_line($until);
    return undef unless defined $line;
    return undef unless $line =~ m{^HTTP/1\.[01] (\d\d\d)};

    my $res = bless { status => $1, headers => [], body => "",
                      interim => [] }, "EHR::Response";

    while (1) {
        $line = $self->_line($until);
        return undef unless defined $line;
        return $res if $line eq "";

        push @{$res->{headers}}, [$1, $2] if $line =~ /^([^:]+):\s*(.*)$/;
    }
}


sub read_interim {
    my ($self, $sec) = @_;

    my $until = time() + limit($sec);

    while ($self->{buffer} !~ /\r\n\r\n/) {
        return undef unless $self->_fill($until);
    }

    return undef unless $self->{buffer} =~ m{^HTTP/1\.1 1\d\d };

    return $self->_head($until);
}


sub read_response {
    my ($self, %o) = @_;

    my $until = time() + limit($o{timeout} || $self->{timeout});
    my ($res, @interim);

    while (1) {
        $res = $self->_head($until) or return undef;
        last if $res->{status} >= 200;
        push @interim, $res->{status};
    }

    $res->{interim} = \@interim;

    my $is_bare = ($o{method} || "") eq "HEAD" || $res->{status} == 204
                  || $res->{status} == 304;
    my $length = $res->header("Content-Length");
    my $coding = $res->header("Transfer-Encoding") || "";

    if (!$is_bare) {
        $res->{body} = $coding =~ /chunked/i ? $self->_chunks($until)
                     : defined $length ? $self->_exactly($length, $until)
                     : $self->_to_end($until);
        return undef unless defined $res->{body};
    }

    push @problems, $res->{body} if $res->is_problem;

    my $connection = lc($res->header("Connection") || "");
    $self->close if $connection eq "close";

    return $res;
}


# The bytes of a request, for those who send them their own way.

sub request_bytes {
    my ($self, $method, $path, %o) = @_;

    my @headers = (@{$self->{headers}}, @{$o{headers} || []});
    my $body = $o{body};

    my $head = "";
    my %has;

    for (my $i = 0; $i < @headers; $i += 2) {
        $head .= "$headers[$i]: $headers[$i + 1]\r\n";
        $has{lc($headers[$i])} = 1;
    }

    $head = "Host: localhost\r\n$head" unless $has{host};
    $head = "$method $path HTTP/1.1\r\n$head";

    if (defined $body && $o{chunked}) {
        $head .= "Transfer-Encoding: chunked\r\n";
        $body = join("", map { sprintf("%x\r\n%s\r\n", length, $_) }
                     unpack("(a16384)*", $body)) . "0\r\n\r\n";

    } elsif (defined $body && !$has{"content-length"}) {
        $head .= "Content-Length: " . length($body) . "\r\n";
    }

    return ("$head\r\n", defined $body ? $body : "");
}


sub request {
    my ($self, $method, $path, %o) = @_;

    my ($head, $body) = $self->request_bytes($method, $path, %o);

    $self->connect unless $self->is_open;

    # A refusal may come, and the connection end, before all is written.
    $self->write($head . $body);

    my $res = $self->read_response(method => $method,
                                   timeout => $o{timeout});

    if (!$res) {
        $self->{error} = "no answer";
        $self->close;
    }

    return $res;
}


sub get {
    my ($self, $path, @headers) = @_;

    return $self->request("GET", $path, headers => \@headers);
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $!, $?);
    $self->close;

    return;
}


package EHR::Response;

use strict;
use warnings;

use JSON::PP ();


sub status  { return $_[0]{status} }
sub headers { return $_[0]{headers} }
sub body    { return $_[0]{body} }
sub interim { return $_[0]{interim} }


sub header {
    my ($self, $name) = @_;

    for my $header (@{$self->{headers}}) {
        return $header->[1] if lc($header->[0]) eq lc($name);
    }

    return undef;
}


sub json {
    my ($self) = @_;

    return $self->{json} if $self->{json};

    $self->{json} = eval { JSON::PP->new->utf8->decode($self->{body}) };

    return $self->{json};
}


sub is_problem {
    my ($self) = @_;

    return ($self->header("Content-Type") || "")
           =~ m{^application/problem\+json} ? 1 : 0;
}


sub code {
    my ($self) = @_;

    return undef unless $self->is_problem && ref $self->json eq "HASH";

    return $self->json->{code};
}


1;

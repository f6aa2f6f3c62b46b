# SPDX-License-Identifier: BSD-2-Clause

package EHR::Proxy;

# What our accept path is compared with: stock nginx that checks the client's
# certificate and passes the body to another stock nginx, which answers 200.
# The TLS settings and the body buffer are those of a world.
#
#   my $proxy = EHR::Proxy->new(dir => $dir, pki => $pki);
#   $proxy->start;
#   $proxy->port  $proxy->workers (pids of the front's)
#   $proxy->stop;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Socket::INET;
use POSIX ();

use EHR::Util qw(free_port slurp spew wait_for);

use constant {
    START_SEC => 10,
    STOP_SEC  => 10,
};


sub new {
    my ($class, %o) = @_;

    return bless { workers => 1, %o, pids => {} }, $class;
}


sub port { return $_[0]{front} }


sub start {
    my ($self) = @_;

    make_path("$self->{dir}/logs");
    $self->{$_} = free_port() for qw(front back answer);

    $self->_run("back", $self->_back);
    $self->_run("front", $self->_front);

    return $self;
}


sub _conf {
    my ($self, $name, $http) = @_;

    my $dir = $self->{dir};
    my $user = $> == 0 ? "user " . getpwuid($>) . ";" : "";
    my $temps = join("\n    ", map { "${_}_temp_path $dir/$name.$_;" }
                     qw(client_body proxy fastcgi uwsgi scgi));

    return <<"EOT";
$user
worker_processes $self->{workers};
pid $dir/$name.pid;
error_log $dir/logs/$name.error.log;
events { worker_connections 4096; }
http {
    $temps
    client_body_buffer_size 256k;
    client_max_body_size 0;
    keepalive_requests 1000000;
    access_log off;
    $http
}
EOT
}


# The body is read before the answer: nginx passes it to itself.

sub _back {
    my ($self) = @_;

    return $self->_conf("back", <<"EOT");
upstream answer { server 127.0.0.1:$self->{answer}; keepalive 64; }
    server {
        listen 127.0.0.1:$self->{back};
        location / { proxy_pass http://answer; proxy_pass_request_body off;
                     proxy_set_header Content-Length "";
                     proxy_http_version 1.1; proxy_set_header Connection "";
        }
    }
    server {
        listen 127.0.0.1:$self->{answer};
        location / { return 200 "taken\\n"; }
    }
EOT
}


sub _front {
    my ($self) = @_;

    my $pki = $self->{pki};

    return $self->_conf("front", <<"EOT");
upstream back { server 127.0.0.1:$self->{back}; keepalive 64; }
    server {
        listen 127.0.0.1:$self->{front} ssl backlog=1024;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate $pki/server-ecdsa.pem;
        ssl_certificate_key $pki/server-ecdsa.key;
        ssl_client_certificate $pki/hospital-ca.pem;
        ssl_crl $pki/hospital-crl.pem;
        ssl_verify_client on;
        ssl_verify_depth 2;
        access_log $self->{dir}/logs/access.log;
        location / {
            proxy_pass http://back;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
EOT
}


sub _run {
    my ($self, $name, $conf) = @_;

    my $dir = $self->{dir};
    spew("$dir/$name.conf", $conf);

    my $pid = fork();
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDIN, "<", "/dev/null");
        open(STDOUT, ">>", "$dir/logs/$name.log");
        open(STDERR, ">&", \*STDOUT);
        POSIX::setsid();
        $ENV{PATH} .= ":/usr/sbin:/sbin";
        exec("nginx", "-p", "$dir/", "-e", "$dir/logs/$name.error.log", "-c",
             "$dir/$name.conf", "-g", "daemon off;") or POSIX::_exit(127);
    }

    $self->{pids}{$name} = $pid;

    wait_for(START_SEC, sub {
        return IO::Socket::INET->new(PeerAddr => "127.0.0.1",
                                     PeerPort => $self->{$name});
    }) or die "stock nginx did not come up:\n" . slurp("$dir/logs/$name.log");

    return;
}


sub workers {
    my ($self) = @_;

    my $pid = $self->{pids}{front};

    return split(/ /, slurp("/proc/$pid/task/$pid/children"));
}


sub stop {
    my ($self) = @_;

    for my $name (keys %{$self->{pids}}) {
        my $pid = delete $self->{pids}{$name};

        kill("TERM", $pid);
        next if wait_for(STOP_SEC, sub {
            waitpid($pid, POSIX::WNOHANG()) != 0
        });

        kill("KILL", $pid);
        waitpid($pid, 0);
    }

    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    $self->stop;

    return;
}


1;

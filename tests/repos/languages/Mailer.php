<?php

declare(strict_types=1);

namespace Acme\Mail;

use Acme\Core\Queue;
use Acme\Core\{Clock, Log as Logger};
use function Acme\Core\helper;

require_once __DIR__ . '/bootstrap.php';
require 'config/mail.php';

const RETRIES = 3;

/**
 * Sends mail.
 */
#[Service]
final class Mailer extends Base implements Sends
{
    public const LIMIT = 10;
    private array $queue = [];

    public function __construct(private Queue $queue)
    {
        parent::__construct();
    }

    /** Sends one letter. */
    public static function send(string $to, ?Letter $letter = null): bool
    {
        return self::queue()->push(new Job($to))->run();
    }
}

interface Sends
{
    public function send(string $to): bool;
}

trait Retries
{
    protected function again(): void
    {
        helper();
    }
}

enum Level: string
{
    case Low = 'low';
}

function mail_all(array $to): int
{
    return array_sum(array_map('strlen', $to));
}

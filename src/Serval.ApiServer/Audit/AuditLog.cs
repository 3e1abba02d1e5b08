using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Audit;

/// <summary>
/// Events of requests, one JSON line each, in a file of the owner's alone that is set aside when it is full. Written behind the requests'
/// backs: one waits a second at most when the disk does not keep up, then its line is lost and counted.
/// </summary>
internal sealed partial class AuditLog : IAsyncDisposable
{
    public const long FileSize = 100 * 1024 * 1024; // as --audit-log-maxsize is usually set
    public const int FilesKept = 10;

    private const int QueueLength = 16_384;
    private const int BatchSize = 64 * 1024;

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly AuditLevel _level;
    private readonly long _fileSize;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<AuditEvent> _queue = Channel.CreateBounded<AuditEvent>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly Task _writing;

    // of the writing task alone
    private FileStream? _file;
    private long _length;
    private bool _failing;
    private long _told; // of the lost lines

    private long _lost;

    public AuditLog(string path, AuditLevel level, long fileSize, TimeProvider time, ILogger logger)
    {
        (_path, _level, _fileSize, _time, _logger) = (path, level, fileSize, time, logger);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>Lines that could not be kept.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Tells of a request that lasts, once its answer has begun, and of every other once it is through.</summary>
    public ValueTask TellAsync(ApiRequest request, string stage)
    {
        if (!IsTold(request))
        {
            return ValueTask.CompletedTask;
        }
        var told = new AuditEvent(request, stage, _time.GetUtcNow());
        return _queue.Writer.TryWrite(told) ? ValueTask.CompletedTask : new ValueTask(WaitAsync(told));
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
    }

    private bool IsTold(ApiRequest request) => _level switch
    {
        AuditLevel.All => true,
        AuditLevel.Writes => !request.Info.IsReadOnly || request.Info is { Resource: "secrets", Group: "" } || request.Failure?.Code is 401 or 403,
        _ => false,
    };

    private async Task WaitAsync(AuditEvent told)
    {
        using var limit = new CancellationTokenSource(s_wait, _time);
        try
        {
            await _queue.Writer.WriteAsync(told, limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            Interlocked.Increment(ref _lost);
        }
    }

    private async Task WriteAsync()
    {
        var batch = new ArrayBufferWriter<byte>(BatchSize);
        while (await _queue.Reader.WaitToReadAsync())
        {
            var lines = 0;
            using (var writer = new Utf8JsonWriter(batch, StatusDocument.Writer))
            {
                while (batch.WrittenCount < BatchSize && _queue.Reader.TryRead(out var told))
                {
                    told.Write(writer);
                    writer.Flush();
                    writer.Reset();
                    batch.Write("\n"u8);
                    lines++;
                }
            }
            Append(batch.WrittenSpan, lines);
            batch.ResetWrittenCount();
            if (!_failing && _queue.Reader.Count == 0 && Lost - _told is > 0 and var missing)
            {
                Log.LinesLost(_logger, _path, missing);
                _told += missing;
            }
        }
        _file?.Dispose();
    }

    private void Append(ReadOnlySpan<byte> lines, int count)
    {
        try
        {
            _file ??= Open();
            _file.Write(lines);
            _length += lines.Length;
            if (_length >= _fileSize)
            {
                Rotate();
            }
            _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Interlocked.Add(ref _lost, count);
            if (!_failing)
            {
                Log.NotWritten(_logger, _path, e.Message);
            }
            _failing = true;
            Forget();
        }
    }

    private FileStream Open()
    {
        PrivateFile.Protect(_path);
        var file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _length = file.Length;
        return file;
    }

    private void Rotate()
    {
        _file?.Dispose();
        _file = null;
        for (var i = FilesKept - 1; i > 0; i--)
        {
            var older = $"{_path}.{i}";
            if (File.Exists(older))
            {
                File.Move(older, $"{_path}.{i + 1}", overwrite: true);
            }
        }
        File.Move(_path, $"{_path}.1", overwrite: true);
    }

    /// <summary>Leaves no half line behind, if it can be helped, and opens anew the next time.</summary>
    private void Forget()
    {
        try
        {
            _file?.SetLength(_length);
        }
        catch (IOException)
        {
            // The disk is beyond help; the next line says so again.
        }
        _file?.Dispose();
        _file = null;
    }

    private static partial class Log
    {
        [LoggerMessage(3003, LogLevel.Warning, "the audit log {Path} cannot be written, requests go on without it: {Cause}")]
        public static partial void NotWritten(ILogger logger, string path, string cause);

        [LoggerMessage(3004, LogLevel.Warning, "the audit log {Path} goes on; it lacks {Count} lines that the disk did not take in time")]
        public static partial void LinesLost(ILogger logger, string path, long count);
    }
}

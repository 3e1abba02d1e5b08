using Serval.Api.Config;

namespace Serval.Api.Tests.Config;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("60s", 60_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("-2m", -120_000)]
    [InlineData("+1ms", 1)]
    [InlineData(".5s", 500)]
    [InlineData("1h0m0.25s", 3_600_250)]
    public void TryParse_GoText_Reads(string text, long milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var value));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("60")]
    [InlineData("1d")]
    [InlineData("s")]
    [InlineData("1 s")]
    [InlineData("1..5s")]
    [InlineData(".s")]
    [InlineData("1s2")]
    [InlineData("-")]
    [InlineData("9999999999h")]
    public void TryParse_OtherText_Refuses(string text) => Assert.False(GoDuration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(6_000, "6s")]
    [InlineData(90_000, "1m30s")]
    [InlineData(3_600_000, "1h0m0s")]
    [InlineData(1_500, "1.5s")]
    [InlineData(250, "250ms")]
    [InlineData(-1_000, "-1s")]
    public void Format_Span_ReadsAsGoPrintsIt(long milliseconds, string text) =>
        Assert.Equal(text, GoDuration.Format(TimeSpan.FromMilliseconds(milliseconds)));
}

"""A small TCP proxy between one worker and one service, which the adversary can cut, reset, slow and freeze.

All proxies live on one thread with an asyncio loop of its own; the adversary calls them from outside.
"""
import asyncio
import socket
import struct
import threading


class Proxies:
    """The thread on which all links live."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def link(self, target, reader):
        link = Link(target, reader)
        asyncio.run_coroutine_threadsafe(link.listen(), self.loop).result(5)
        return link

    def call(self, function, *arguments):
        self.loop.call_soon_threadsafe(function, *arguments)

    def close(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def end(self):
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Link:
    """One worker's way to one service. Every connection is a `Pair` with a reader of its own."""

    def __init__(self, target, reader):
        self.target = target
        self.make_reader = reader
        self.port = None
        self.pairs = set()
        # Every connection there ever was: {local port towards the service: reader}, in order, as ports come again.
        self.history = []
        self.refuses = False
        self.delay = 0.0
        self.frozen = None

    async def listen(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self.frozen = asyncio.Event()
        self.frozen.set()

    async def serve(self, reader, writer):
        if self.refuses:
            return abort(writer)
        try:
            back = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 20)
        except OSError:
            return abort(writer)
        pair = Pair(self, (reader, writer), back)
        self.pairs.add(pair)
        self.history.append((pair.port, pair.reader))
        try:
            await pair.run()
        except asyncio.CancelledError:
            # The end of everything; StreamReaderProtocol would complain about it.
            pass
        finally:
            self.pairs.discard(pair)

    # What the adversary does. On the proxies' thread.

    def cut(self, reset):
        """Ends every connection, for both sides."""
        for pair in list(self.pairs):
            pair.end(reset)

    def cut_service_side(self):
        """Ends every connection towards the service only: the worker hears nothing, as when its host is unreachable."""
        for pair in list(self.pairs):
            pair.halve()

    def set_delay(self, seconds):
        self.delay = seconds

    def set_refuses(self, refuses):
        self.refuses = refuses

    def freeze(self):
        """Nothing passes, and nobody is told."""
        self.frozen.clear()

    def thaw(self):
        self.frozen.set()


class Pair:
    def __init__(self, link, worker, service):
        self.link = link
        self.worker = worker
        self.service = service
        self.port = service[1].get_extra_info("sockname")[1]
        self.reader = link.make_reader()
        self.is_half = False
        self.woken = asyncio.Event()

    async def run(self):
        ways = [
            asyncio.ensure_future(self.pass_on(self.worker[0], self.service[1], self.reader.sent, True)),
            asyncio.ensure_future(self.pass_on(self.service[0], self.worker[1], self.reader.answered, False)),
        ]
        try:
            # Neither protocol has a use for half of a connection: when one way ends, both do.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if self.is_half:
                await self.woken.wait()
        finally:
            for way in ways:
                way.cancel()
            if hasattr(self.reader, "closed"):
                self.reader.closed()
            for _, writer in (self.worker, self.service):
                writer.close()

    async def pass_on(self, source, sink, seen, is_request):
        try:
            while True:
                data = await source.read(65536)
                if not data:
                    return
                if is_request:
                    # When it leaves the worker is what counts, whatever the way then does to it.
                    seen(data)
                if self.link.delay:
                    await asyncio.sleep(self.link.delay)
                await self.link.frozen.wait()
                if not is_request:
                    seen(data)
                if self.is_half:
                    # The worker speaks into the void; a real network would tell it sooner or later.
                    self.woken.set()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            return

    def end(self, reset):
        if reset:
            abort(self.worker[1])
            abort(self.service[1])
        else:
            self.worker[1].close()
            self.service[1].close()
        self.woken.set()

    def halve(self):
        self.is_half = True
        abort(self.service[1])


def abort(writer):
    """Sends RST instead of FIN, unless it is ending already."""
    plug = writer.get_extra_info("socket")
    if plug is not None and not writer.transport.is_closing():
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

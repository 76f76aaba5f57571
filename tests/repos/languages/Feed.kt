package com.acme.feed

import com.acme.core.Clock
import com.acme.core.Log as Logger
import kotlinx.coroutines.*

const val PAGE = 20
val defaultClock: Clock = Clock.system()
typealias Handler = (Item) -> Unit

/**
 * Reads the feed.
 */
@Singleton
class Feed<T : Item>(private val clock: Clock) : Source<T>, Closeable {
    private val items = mutableListOf<T>()

    /** Loads one page. */
    @Throws(IOException::class)
    override suspend fun load(page: Int, size: Int = PAGE): List<T> {
        return source.fetch(page).map { parse(it) }
    }

    fun count() = items.size

    companion object {
        fun create(): Feed<Item> = Feed(defaultClock)
    }
}

data class Item(val id: Long)

interface Source<T> {
    suspend fun load(page: Int): List<T>
}

object Registry {
    fun register() {}
}

enum class State { OPEN, DONE }

// Shortens.
fun String.shorten(limit: Int): String = take(limit)
